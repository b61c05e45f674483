"""The web app: server-rendered pages, a JSON API, an OpenAI-compatible API. No CDN, no build step.

How to add a page or an API (one module a noun):

* Write ``fencun/web/<noun>.py`` with ``router = APIRouter()`` and, if people should find it,
  ``PAGE = Page("/path", "中文名", "English name")``. Add the module's name to ``app.ROUTERS``: the
  navigation, in the order of that list, shows every ``PAGE``. A module whose requests may be
  larger than 64 KiB says so: ``BODY_LIMITS = {"/path": bytes}``.
* A route parses, calls one function outside this package, renders. ``Studio`` (what a request may
  use: scenario, writer, store, queue) is injected with ``StudioDep``; the browser's own random id
  with ``Visitor`` (set by :func:`~fencun.web.pages.render`, empty for programs).
* Pages: ``return render(request, "noun.html", name=value)``; the template extends ``base.html``
  and fills ``title``, ``main`` and, for its own module, ``scripts``. Every text is
  ``{{ say("中文", "English") }}``. Everything is escaped: never use ``|safe``.
* The CSP allows only our own files: no inline ``<script>``, ``<style>``, ``style=`` or ``on…=``.
  Data for a script goes into ``<script type="application/json">`` with ``|tojson`` or into
  ``data-*``. Charts are inline SVG with classes.
* ``static/css``: ``base.css`` has the tokens (``--paper``, ``--ink``, ``--red`` …, light and dark),
  type and common parts (``.sheet``, ``.button``, ``.chip``, ``.field``, ``.note``, ``.table``);
  a page adds ``static/css/<noun>.css`` in its ``styles`` block. ``static/js/common.js`` exports
  ``post``, ``say``, ``toast``, ``announce``, ``id``.
* Every control works with the keyboard, has a name, and without JavaScript either works as a form
  or is not shown (``class="needs-js"``).
* Errors: raise a :class:`~fencun.errors.FencunError`; pages answer with a page, everything else
  with ``{"error": {"code", "message", "field"}}``. Anything else is logged and told generically.
* Browsers may only post from our own pages: the guard checks ``Host`` and the origin, so forms
  need no token. Writes go through ``studio.store``.
"""
