/* Wagtail fetches a listing anew while somebody types, and once more when they leave the search
   box; that would take away the ticks that were set right after typing. */
(() => {
  "use strict";

  document.addEventListener(
    "change",
    (event) => {
      if (event.target.matches("[data-search-form] input[name=q]")) event.stopPropagation();
    },
    true,
  );
})();
