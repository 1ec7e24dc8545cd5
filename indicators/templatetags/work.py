"""What the navigation says of a person's work."""

from django import template
from django.utils import timezone

from objectives.models import User

from .. import my_work
from ..models import TargetRevision

register = template.Library()


@register.filter
def things_to_do(user: User) -> int:
    """Count what is due from the person now."""
    revisions = TargetRevision.objects.to_approve(user).count()
    return my_work.number_of_tasks(user, timezone.now()) + revisions
