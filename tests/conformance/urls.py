from django.urls import include, path
from wagtail.test.urls import urlpatterns

urlpatterns = [path("engagement/", include("wagtail_engagement.urls")), *urlpatterns]
