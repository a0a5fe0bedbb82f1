// The page of a video: every time is a way into the player, and the transcript goes along with it.
"use strict";

const page = find(".watch"), player = find("#player"), track = find("#track"), now = find("#now");
const lines = find("#lines"), follow = find("#follow"), duration = Number(page.dataset.duration);
let current = null, loading = false, position = Number(page.dataset.start);
let origin = 0; // what the browser shows at the start of the file: some count from the file's first timestamp

const spoken = (s) => {
  const minutes = Math.floor(s / 60), rest = Math.round(s % 60);
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
};

function seek(seconds, play) {
  position = Math.min(Math.max(0, seconds), duration);
  if (player) {
    if (player.readyState) player.currentTime = position + origin;
    if (play) player.play().catch(() => {});
    const { top, bottom } = player.getBoundingClientRect();
    if (play && (bottom < 80 || top > innerHeight)) player.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
  }
  const url = new URL(location.href);
  url.searchParams.set("t", String(Math.round(position * 100) / 100));
  url.hash = "";
  history.replaceState(null, "", url);
  tell();
}

function tell() {
  const share = `${duration ? (100 * position) / duration : 0}%`;
  now?.setAttribute("x1", share);
  now?.setAttribute("x2", share);
  track?.setAttribute("aria-valuenow", String(Math.round(position)));
  track?.setAttribute("aria-valuetext", spoken(position));
  if (!lines) return;
  let line = null;
  for (const each of lines.children) {
    if (Number(each.dataset.line) > position + 0.05) break;
    line = each;
  }
  if (line === lines.lastElementChild && lines.dataset.rest && position > Number(line.dataset.end)) moreLines();
  if (line && position > Number(line.dataset.end) + 3) line = null;
  if (line === current) return;
  current?.classList.remove("now");
  current?.removeAttribute("aria-current");
  current = line;
  current?.classList.add("now");
  current?.setAttribute("aria-current", "true");
  if (current && follow.checked) {
    const place = current.offsetTop - lines.offsetTop - lines.clientHeight / 3;
    lines.scrollTo({ top: place, behavior: calm() ? "auto" : "smooth" });
  }
}

document.addEventListener("click", (event) => {
  const kept = event.target.closest("[data-keep-t]");
  if (kept) {
    const url = new URL(kept.href);
    url.searchParams.set("t", String(Math.round(position * 100) / 100));
    kept.href = url;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const moment = event.target.closest("[data-t]"), line = event.target.closest("[data-line]");
  if (!moment && (!line || String(getSelection()))) return;
  event.preventDefault();
  seek(Number(moment ? moment.dataset.t : line.dataset.line), true);
});
track?.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.target.closest("[data-t]")) return;
  const { left, width } = track.getBoundingClientRect();
  seek(((event.clientX - left) / width) * duration, true);
});
track?.addEventListener("keydown", (event) => {
  const jumps = { ArrowUp: 5, ArrowDown: -5, PageUp: 30, PageDown: -30, Home: -duration, End: duration };
  if (Object.hasOwn(jumps, event.key)) { event.preventDefault(); seek(position + jumps[event.key], false); }
});

if (player) {
  const moved = () => { if (player.readyState) { position = player.currentTime - origin; tell(); } };
  const fail = () => {
    const message = find("#obstacle");
    message.textContent = "This browser cannot play the file. Everything else on this page still works, and other players can open the file.";
    message.hidden = false;
  };
  player.addEventListener("error", fail);
  if (player.error) fail();
  const shift = (captions) => {
    for (const cue of [...(captions.track.cues ?? [])]) { cue.startTime += origin; cue.endTime += origin; }
  };
  const begin = () => {
    origin = player.currentTime;
    player.addEventListener("timeupdate", moved);
    player.addEventListener("seeking", moved);
    for (const captions of all("track", player)) { shift(captions); captions.addEventListener("load", () => shift(captions)); }
    if (position) player.currentTime = position + origin;
  };
  if (position) player.src = player.src.replace(/#.*/, ""); // the browser's own start would hide the origin
  if (player.readyState) begin(); else player.addEventListener("loadedmetadata", begin, { once: true });
}

function step(by) {
  if (!lines) return false;
  const each = [...lines.children];
  const at = current ? each.indexOf(current) : each.findLastIndex((line) => Number(line.dataset.line) <= position);
  const next = each[Math.min(each.length - 1, Math.max(0, at + by))];
  if (next === each.at(-1)) moreLines();
  if (next) seek(Number(next.dataset.line), false);
}
Object.assign(keys, {
  j: () => step(1),
  k: () => step(-1),
  f: () => { if (follow) { follow.checked = !follow.checked; tell(); } },
  " ": (event) => {
    if (!player || event.target.closest("a, button, summary, input, video, audio")) return false;
    if (player.paused) player.play().catch(() => {}); else player.pause();
  },
  ArrowLeft: (event) => (event.target === player ? false : seek(position - 5, false)),
  ArrowRight: (event) => (event.target === player ? false : seek(position + 5, false)),
});

addEventListener("hashchange", () => {
  const found = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (found) seek(Number(found[1]), false);
});
const hash = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
if (hash) seek(Number(hash[1]), false);

// What the page left out: parts of other pages, put in where they belong.
async function part(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-part]");
}

// More of a long transcript, as far as the player is, or once somebody comes to its end.
async function moreLines() {
  if (loading || !lines?.dataset.rest) return;
  loading = true;
  try {
    const found = (await part(lines.dataset.rest)).querySelector("ol");
    lines.dataset.rest = found.dataset.rest ?? "";
    lines.append(...found.children);
  } catch { lines.dataset.rest = ""; } finally { loading = false; }
  tell();
}
lines?.addEventListener("scroll", () => {
  if (lines.scrollHeight - lines.scrollTop < 2 * lines.clientHeight) moreLines();
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-scenes]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.loading) return;
  link.dataset.loading = "1";
  try {
    const found = await part(link.href), scenes = [...found.querySelectorAll(".scenes > li")];
    find(".scenes").append(...scenes);
    link.closest("p").replaceWith(...found.querySelectorAll(".more"));
    find("a", scenes[0])?.focus({ preventScroll: true });
  } catch { location.assign(link.href); }
});

for (const place of all("[data-load]")) {
  part(place.dataset.load).then((found) => { const text = find(".copies", found); if (text) place.replaceChildren(text); }).catch(() => {});
}
tell();
