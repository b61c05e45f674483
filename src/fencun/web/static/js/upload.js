// A form that takes a file: say at once that a file is too large, rather than after it was sent.

import { say, toast } from "/static/js/common.js";

const form = document.getElementById("upload");
form?.addEventListener("submit", (event) => {
  const file = form.elements.file.files[0];
  if (!file || file.size <= Number(form.dataset.limit) * 2 ** 20) return;
  event.preventDefault();
  toast(say(`文件太大：最多 ${form.dataset.limit} MB，请分成几个。`, `Too large: at most ${form.dataset.limit} MB; split it.`), { bad: true });
});
