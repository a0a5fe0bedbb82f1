// Corrections on the page of a video, on a server that allows them.
"use strict";

const watch = find(".watch"), said = find("#said"), author = find("#author");
const KEPT = "videolake-said", NAME = "videolake-author";

function tellSaid(message, voices = []) {
  said.textContent = message;
  for (const voice of voices) {
    const link = document.createElement("a");
    link.href = `/v/${encodeURIComponent(voice.video_id)}?speaker=${encodeURIComponent(voice.speaker)}`;
    link.textContent = `${voice.speaker} in ${voice.name}`;
    said.append(" The voice may also be ", link, ` (${voice.similarity.toFixed(2)}).`);
  }
  said.hidden = false;
}

async function send(address, correction, more = false) {
  tellSaid("Saving…");
  const headers = { "content-type": "application/json", "x-csrf-token": watch.dataset.csrf };
  const body = JSON.stringify({ ...correction, author: author?.value.trim() || undefined });
  try {
    const answer = await fetch(address, { method: "POST", credentials: "same-origin", headers, body });
    const text = await answer.text();
    let told;
    try { told = JSON.parse(text); } catch { told = { message: text }; }
    if (!answer.ok) { tellSaid(told.message); return false; }
    sessionStorage.setItem(KEPT, JSON.stringify(told));
    if (!more) location.reload();
    return true;
  } catch { tellSaid("The server does not answer. Nothing was saved."); return false; }
}
const save = (correction, more) => send(watch.dataset.corrections, correction, more);

// A form in place of the button that asked for it.
function ask(button, fields, submit) {
  if (find("form.editing")) find("form.editing [data-cancel]").click();
  const form = document.createElement("form");
  form.className = "editing";
  for (const { name, label, value, long } of fields) {
    const line = document.createElement("label"), field = document.createElement(long ? "textarea" : "input");
    line.textContent = label;
    Object.assign(field, { name, value, maxLength: long ? 5000 : 200, dir: "auto", autocomplete: "off" });
    if (long) field.rows = Math.min(8, Math.max(2, Math.ceil(value.length / 45)));
    line.append(field);
    form.append(line);
  }
  const ok = document.createElement("button"), cancel = document.createElement("button");
  Object.assign(ok, { type: "submit", className: "button", textContent: "Save" });
  Object.assign(cancel, { type: "button", className: "quiet-button", textContent: "Cancel" });
  cancel.dataset.cancel = "";
  form.append(ok, cancel);
  const close = () => { form.remove(); button.hidden = false; button.focus(); };
  cancel.addEventListener("click", close);
  form.addEventListener("click", (event) => event.stopPropagation()); // a click on a line plays it
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Enter" && !event.shiftKey && event.target.matches("textarea")) { event.preventDefault(); form.requestSubmit(); }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (ok.disabled) return;
    ok.disabled = true;
    const values = Object.fromEntries(new FormData(form));
    if (!(await submit(values))) ok.disabled = false;
  });
  button.hidden = true;
  button.after(form);
  const first = find("textarea, input", form);
  first.focus();
  first.select();
}

const span = (element) => ({ start_s: Number(element.dataset.startS), end_s: Number(element.dataset.endS) });

const asks = {
  line(button) {
    const line = button.closest("[data-line]"), { text, speaker } = line.dataset;
    const fields = [{ name: "text", label: "What is said", value: text, long: true }, { name: "speaker", label: "By, in this line only", value: speaker }];
    ask(button, fields, async (values) => {
      const named = values.speaker.trim() && values.speaker.trim() !== speaker;
      if (values.text.trim() !== text) {
        if (!named) return save({ field: "text", value: values.text, ...span(line) });
        if (!(await save({ field: "text", value: values.text, ...span(line) }, true))) return false;
      }
      if (named) return save({ field: "speaker", value: values.speaker, ...span(line) });
      find("form.editing [data-cancel]").click();
      return true;
    });
  },
  headline: (button) => ask(button, [{ name: "value", label: "Headline", value: button.dataset.value }], ({ value }) => save({ field: "headline", value })),
  speaker: (button) => ask(button, [{ name: "value", label: `Who is ${button.dataset.value}, in the whole video?`, value: button.dataset.value }], ({ value }) => save({ field: "speaker", value, name: button.dataset.value })),
  chapter_title: (button) => ask(button, [{ name: "value", label: "Title of the chapter", value: button.dataset.value }], ({ value }) => save({ field: "chapter_title", value, ...span(button) })),
  topic: (button) => ask(button, [{ name: "value", label: "Topic", value: "" }], ({ value }) => save({ field: "topics", value })),
};

// Before the player sees a click on a line.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.edit");
  if (button) {
    event.stopPropagation();
    if (button.dataset.edit) asks[button.dataset.edit](button);
    else if (button.dataset.removeTopic) save({ field: "topics", name: button.dataset.removeTopic });
    else if (button.dataset.undo) send(`${watch.dataset.corrections}/undo`, { correction: button.dataset.undo });
  }
}, true);

if (author) {
  author.value = localStorage.getItem(NAME) ?? "";
  author.addEventListener("change", () => localStorage.setItem(NAME, author.value.trim()));
}
const kept = sessionStorage.getItem(KEPT);
if (kept) {
  sessionStorage.removeItem(KEPT);
  const told = JSON.parse(kept);
  tellSaid(told.message, told.voices);
}
