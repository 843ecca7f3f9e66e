// What pages do beyond links and forms. Everything but the live tail works without it.
"use strict";

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  const question = button && button.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// "/" goes to the search field of the page, as elsewhere.
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("input[type=search], [data-first]");
  if (field) { event.preventDefault(); field.focus(); }
});

// Another row of the form for items appears when asked for.
document.addEventListener("click", (event) => {
  const more = event.target.closest("[data-more]");
  if (!more) return;
  const shape = document.getElementById(more.dataset.more);
  shape.before(shape.content.cloneNode(true));
  const rows = shape.parentElement.querySelectorAll(".attribute");
  rows[rows.length - 1].querySelector("input").focus();
});

// The tail of a stream: asks again and again for what is new, while the page is looked at; keeps the newest 500.
const tail = document.querySelector("[data-tail]");
if (tail) {
  const rows = tail.querySelector("tbody"), state = document.getElementById("tail-state");
  let place = "", wait = 1000;
  const look = async () => {
    if (document.hidden) { setTimeout(look, 1000); return; }
    try {
      const reply = await fetch(`${tail.dataset.tail}?from=${encodeURIComponent(place)}`, { credentials: "same-origin" });
      if (reply.redirected) { location.reload(); return; }
      if (!reply.ok) throw new Error(await reply.text());
      place = reply.headers.get("x-place") || place;
      const shape = document.createElement("template");
      shape.innerHTML = await reply.text();
      const came = shape.content.querySelectorAll("tr");
      for (const row of came) rows.prepend(row);
      while (rows.children.length > 500) rows.lastElementChild.remove();
      state.textContent = `${rows.children.length} records`;
      wait = 1000;
    } catch (error) {
      state.textContent = String(error.message || error).slice(0, 300);
      wait = Math.min(wait * 2, 30000);
    }
    setTimeout(look, wait);
  };
  look();
}
