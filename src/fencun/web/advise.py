"""该不该微调: the interview as one form. A GET, so that an answer can be sent on as a link."""

from fastapi import Request
from starlette.responses import Response

from fencun.errors import FencunError
from fencun.evaluate.advice import advise, interview
from fencun.web.access import router_for
from fencun.web.pages import Page, render

PAGE = Page("/advise", "该不该微调", "Fine-tune?", "write")
router = router_for("write", include_in_schema=False)


@router.get("/advise")
async def page(request: Request) -> Response:
    """Show the ten questions, and above them what the answers in the address say."""
    asked = interview()
    known = {question.id for question in asked.questions}
    answers = {name: value for name, value in request.query_params.items() if name in known}
    advice, error = None, ""
    if answers:
        try:
            advice = advise(asked, answers)
        except FencunError as refused:
            error = str(refused)
    return render(
        request, "advise.html", questions=asked.questions, answers=answers, advice=advice,
        error=error, status=422 if error else 200,
    )  # fmt: skip
