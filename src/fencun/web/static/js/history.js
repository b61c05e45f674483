// 记录: copy, local times, and a question before something is deleted for good.

import { say, toast } from "/static/js/common.js";
import { copyText } from "/static/js/copy.js";

for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf()))
    time.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

for (const button of document.querySelectorAll(".copy"))
  button.addEventListener("click", async () => {
    const done = await copyText(button.closest("li").querySelector(".text").textContent);
    toast(done ? say("复制好了，去粘贴吧。", "Copied.") : say("没能复制，请长按文字自己复制。", "Could not copy; please select the text."), { bad: !done });
  });

for (const form of document.querySelectorAll("form[data-confirm]"))
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
