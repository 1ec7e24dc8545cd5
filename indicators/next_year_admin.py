"""The page on which an administrator prepares next year's plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from objectives.models import Goal, Plan, Strategy, WorkItem, WorkPlan
from objectives.permissions import require
from objectives.roc import a_year_on
from objectives.scoped import signed_in

from .fields import QuantityFormField
from .models import Indicator, Variable
from .next_year import Offer, copy_plan, next_plan, offers
from .numbers import format_number
from .wording import STATES, why_no_value


@dataclass(frozen=True)
class Line:
    """One constant in the form: what is offered, and whether it is taken."""

    offer: Offer
    take: forms.BoundField
    value: forms.BoundField

    @property
    def state(self) -> str:
        """What the offered value rests on."""
        value = self.offer.value
        if value is None:
            return _("The formula offers no value for it.")
        if self.offer.is_too_large:
            return _("The year's value is too large to be taken over.")
        names = {each.symbol: each.name for each in self.offer.variable.indicator.variables.all()}
        return " ".join([str(STATES[value.state]), why_no_value(value, names)]).strip()


class NextYearForm(forms.Form):
    """Which constants the new plan gets; ticked beforehand where the year's data are complete."""

    def __init__(self, offered: Sequence[Offer], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        for offer in offered:
            variable, amount = offer.variable, offer.amount
            plan = variable.indicator.goal.plan
            named = {"name": a_year_on(variable.name, plan.year), "code": variable.indicator.code}
            self.fields[f"take_{variable.pk}"] = forms.BooleanField(
                required=False,
                initial=offer.is_sound,
                widget=forms.CheckboxInput({"aria-label": _("Take over %(code)s %(name)s") % named}),
            )
            self.fields[f"value_{variable.pk}"] = QuantityFormField(
                label=_("%(code)s %(name)s") % named,
                required=False,
                initial="" if amount is None else format_number(amount),
                negative=variable.may_be_negative,
                whole=variable.kind == Variable.Kind.COUNT,
                widget=forms.TextInput({"size": 12}),
            )

    def lines(self) -> Iterator[Line]:
        for offer in self.offered:
            key = offer.variable.pk
            yield Line(offer, self[f"take_{key}"], self[f"value_{key}"])

    def clean(self) -> dict[str, Any]:
        for offer in self.offered:
            name = f"value_{offer.variable.pk}"
            if self.cleaned_data[f"take_{offer.variable.pk}"] and self.cleaned_data.get(name, 0) is None:
                self.add_error(name, _("Enter a number, or leave it unticked."))
        return self.cleaned_data

    def baselines(self) -> dict[int, Decimal]:
        """Return what is taken over, by the variables' ids; for a valid form."""
        taken = (offer.variable.pk for offer in self.offered)
        return {key: self.cleaned_data[f"value_{key}"] for key in taken if self.cleaned_data[f"take_{key}"]}


def next_year(request: HttpRequest, plan_id: int, site: AdminSite) -> HttpResponse:
    """Show what would be copied and which baselines the year offers; a POST copies."""
    user = signed_in(request)
    plan = Plan.objects.visible_to(user).filter(pk=plan_id).select_related("unit").first()
    if plan is None:
        raise Http404
    require(user, "objectives.copy_plan", plan)
    form = NextYearForm(offers(plan), request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = copy_plan(plan=plan, by=user, now=timezone.now(), baselines=form.baselines())
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(
                request,
                _("The plan for ROC year %(year)s is in preparation. Go over its wording, then adopt it.")
                % {"year": made.year},
            )
            return HttpResponseRedirect(reverse("admin:objectives_plan_change", args=[made.pk]))
    context = {
        **site.each_context(request),
        "title": _("Prepare next year's plan"),
        "opts": Plan._meta,
        "plan": plan,
        "year": plan.year + 1,
        "exists": next_plan(plan),
        "parts": _parts(plan),
        "form": form,
    }
    return TemplateResponse(request, "admin/indicators/next_year.html", context)


def _parts(plan: Plan) -> list[tuple[Any, int]]:
    """Count what is copied, by its name."""
    rows: list[Any] = [
        Goal.objects.filter(plan=plan),
        Strategy.objects.filter(goal__plan=plan),
        WorkPlan.objects.filter(plan=plan),
        WorkItem.objects.filter(work_plan__plan=plan),
        Indicator.objects.filter(goal__plan=plan),
        Variable.objects.filter(indicator__goal__plan=plan),
    ]
    return [(each.model._meta.verbose_name_plural, each.count()) for each in rows]
