// The list of sources, how often each is quoted in this chat, and which are not to be shown.
import { language, word } from "./say.js";

const dialog = document.getElementById("sources");
const content = dialog.querySelector(".content");
const hidden = new Set(); // files

export async function open() {
  if (!dialog.open) dialog.showModal();
  const response = await fetch(`/sources?lang=${language}`);
  content.innerHTML = await response.text(); // our own server's, escaped there
  for (const item of content.querySelectorAll(".sources > li")) {
    const quotes = [...document.querySelectorAll("#chat .card:not(.side)")];
    const number = quotes.filter((card) => card.dataset.file === item.dataset.file).length;
    const quoted = item.querySelector(".quoted");
    quoted.textContent = quoted.dataset.text.replace("#", number);
  }
  tick();
}

function tick() {
  for (const box of content.querySelectorAll("[data-do=filter-file]")) {
    box.checked = !hidden.has(box.value);
  }
  for (const box of content.querySelectorAll("[data-do=filter-kind]")) {
    box.checked = !files(box.value).every((file) => hidden.has(file));
  }
}

function files(kind) {
  const items = [...content.querySelectorAll(".sources > li")];
  return items.filter((item) => item.dataset.kind === kind).map((item) => item.dataset.file);
}

function set(file, shown) {
  if (shown) hidden.delete(file);
  else hidden.add(file);
}

export function filterFile(box) {
  set(box.value, box.checked);
  tick();
  apply();
}

export function filterKind(box) {
  for (const file of files(box.value)) set(file, box.checked);
  tick();
  apply();
}

export function showAll() {
  hidden.clear();
  tick();
  apply();
}

// Hide the cards of sources that are unticked, and say how many that are.
export function apply() {
  let number = 0;
  for (const card of document.querySelectorAll("#chat .card")) {
    card.hidden = hidden.has(card.dataset.file);
    number += card.hidden && !card.classList.contains("side");
  }
  const note = document.querySelector(".filtered");
  note.hidden = hidden.size === 0;
  note.querySelector("span").textContent = word("filtered", { n: number });
}
