"""Made-up votes on a made-up study, for tests of what a report shows."""

from fencun.evaluate.records import Opinion, Vote
from fencun.evaluate.study import Study


def voted(study: Study, raters: int, *, left: str = "tuned", right: str = "prompt") -> None:
    """Freeze made-up votes into a made-up study: they prefer ``left`` every time."""
    answers = study.by_arm()
    votes = [
        Vote(
            id=f"v{rater}-{number}",
            rater=f"r{rater}",
            name=f"<b>小王 {rater}</b>",
            brief=brief,
            left=left if (rater + number) % 2 else right,
            right=right if (rater + number) % 2 else left,
            left_hash=answers[left if (rater + number) % 2 else right][brief].hash,
            right_hash=answers[right if (rater + number) % 2 else left][brief].hash,
            choice="left" if (rater + number) % 2 else "right",
            left_opinion=Opinion(reasons=("cliche",)),
            right_opinion=Opinion(send=True),
            seconds=1.0 if rater == 0 else 20.0,
        )
        for rater in range(raters)
        for number, brief in enumerate(answers[left])
    ]
    study.freeze_votes(votes)
