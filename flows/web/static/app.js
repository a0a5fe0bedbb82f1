// On every page: search while typing, load more cards, keyboard shortcuts.
"use strict";

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const box = find("#q"), results = find("#results"), filters = find("#filters");
const moments = ["moment", "video", "speaker", "entity", "object", "from", "to"];
let requests = 0, shown = "", draft = false, here = location.pathname + location.search;

function addresses(typing) {
  const params = new URLSearchParams(), query = box.value.trim();
  const chosen = new FormData(filters);
  if (query) chosen.delete("like");
  const searches = query || chosen.get("like");
  for (const [name, value] of chosen) {
    if (name === "q" || !value.trim() || (name === "sort" && (searches || value === "newest"))) continue;
    if (searches || !moments.includes(name)) params.set(name, value.trim());
  }
  if (query) params.set("q", query);
  const address = params.toString();
  if (typing) params.set("typing", "1");
  return [address ? `/?${address}` : "/", `/results?${params}`];
}

// Typing makes one history entry, from the first letter until the search is submitted or the box loses focus.
function remember(address, typing) {
  if (address !== here) history[draft ? "replaceState" : "pushState"](null, "", address);
  here = address;
  draft = typing;
}

async function show(typing, paused) {
  const number = ++requests, [address, fragment] = addresses(typing);
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(fragment, { credentials: "same-origin" });
    if (number !== requests) return;
    if (!answer.ok) { location.assign(address); return; }
    const text = await answer.text();
    if (number !== requests) return;
    if (text !== shown) results.innerHTML = shown = text;
    remember(address, typing || paused);
    document.title = box.value.trim() ? `${box.value.trim()} – Videolake` : "Videolake";
    watchMore();
  } catch { if (number === requests) location.assign(address); }
  finally { if (number === requests) results.setAttribute("aria-busy", "false"); }
}

let waiting;
if (results) {
  // While somebody types, the last word is a prefix. After a pause, show what the URL itself will find.
  const pause = () => { if (!results.contains(document.activeElement)) show(false, true); };
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { show(true); waiting = setTimeout(pause, 600); }, 160);
  });
  box.addEventListener("blur", () => { draft = false; });
  const finish = () => { clearTimeout(waiting); show(false); };
  box.form.addEventListener("submit", (event) => { event.preventDefault(); finish(); });
  filters.addEventListener("change", finish);
  filters.addEventListener("submit", (event) => { event.preventDefault(); finish(); });
  addEventListener("popstate", () => { if (location.pathname + location.search !== here) location.reload(); });
  watchMore();
}

// "Show more" adds cards to the page; scrolling to it has the same effect.
function watchMore() {
  const link = find("[data-more]");
  if (!link) return;
  link.addEventListener("click", (event) => { event.preventDefault(); more(link); });
  new IntersectionObserver((entries, watcher) => {
    if (entries.some((entry) => entry.isIntersecting) && scrollY > 0) { watcher.disconnect(); more(link); }
  }, { rootMargin: "300px" }).observe(link);
}

async function more(link) {
  if (link.dataset.loading) return;
  link.dataset.loading = "1";
  const number = requests, url = new URL(link.href);
  try {
    const answer = await fetch(`/results${url.search}`, { credentials: "same-origin" });
    if (number !== requests) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement === link;
    const cards = [...page.querySelectorAll("#grid > li")];
    find("#grid").append(...cards);
    const next = page.querySelector("[data-more]");
    if (next) link.closest("p").replaceWith(next.closest("p")); else link.closest("p").remove();
    if (focused && cards.length) cards[0].querySelector("a").focus();
    watchMore();
  } catch { delete link.dataset.loading; }
}

// Keyboard shortcuts. j and k step through the items of a page, or the transcript if there is a player (see player.js).
function move(step) {
  const items = all("[data-item]");
  const here = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[Math.min(items.length - 1, Math.max(0, here < 0 ? (step > 0 ? 0 : items.length - 1) : here + step))];
  if (!next) return;
  (find("a", next) ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
}
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const keys = {
  "/": () => { box.focus(); box.select(); },
  j: () => move(1),
  k: () => move(-1),
  h: () => location.assign("/"),
  "?": () => find("#help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target === box && event.key === "Escape") { box.blur(); return; }
  if (target === box && event.key === "ArrowDown" && results) { event.preventDefault(); move(1); return; }
  if (target.matches("input:not([type=checkbox]), select, textarea") || find("dialog[open]")) return;
  if (Object.hasOwn(keys, event.key) && keys[event.key](event) !== false) event.preventDefault();
});
find("[data-help]").addEventListener("click", () => find("#help").showModal());
