// What the pages can do besides: times in the reader's own zone, and news. They work without it.
"use strict";

function ownTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time:not([data-own])")) {
    time.textContent = `${format.format(new Date(time.dateTime))} (${time.textContent})`;
    time.dataset.own = "";
  }
}

// Whoever has begun to type, or stands in a field, is not interrupted.
function isBusy(main) {
  const fields = [...main.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => field === document.activeElement || field.value !== field.defaultValue);
}

async function refresh() {
  const main = document.querySelector("main");
  const live = document.querySelector("#live");
  if (isBusy(main)) {
    live.textContent = document.body.dataset.stale;
    return;
  }
  const answer = await fetch(document.body.dataset.self || location.href, { headers: { "X-Unattended": "1" }, redirect: "manual" });
  if (answer.type === "opaqueredirect" || answer.status === 401) {
    location.reload();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  ownTimes(fresh);
  if (!fresh || fresh.textContent === main.textContent || isBusy(main)) return;
  const focused = main.contains(document.activeElement) ? document.activeElement : null;
  for (const mark of fresh.querySelectorAll("[autofocus]")) mark.removeAttribute("autofocus");
  main.replaceWith(fresh);
  const alike = (one) => one.tagName === focused?.tagName && one.textContent === focused.textContent;
  [...fresh.querySelectorAll("a, button, summary")].find(alike)?.focus();
  live.textContent = document.body.dataset.changed;
}

ownTimes(document);
if (!("unknown" in document.body.dataset)) {
  const source = new EventSource(document.body.dataset.live);
  let soon;
  source.addEventListener("changed", () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, 150);
  });
  addEventListener("pagehide", () => source.close());
}
