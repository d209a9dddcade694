// The chat and the address: `?q=first&q=second` is the whole chat, so that it can be shared and
// gone back to. Gradio asks what stands before a question by `window.ketqa.before`.
import { copyText, language, say, word } from "./say.js";

let editing = null; // the turn that is being changed, from 1
let answered = () => {};
let shown = ""; // what was announced last
let asking = false;

const box = () => document.querySelector("#question textarea, #question input");
const typed = () => document.querySelector("#as-typed input");
const turns = (search) =>
  [...new URLSearchParams(search)].filter(([name]) => name === "q" || name === "x");

function same(address, other) {
  return search(turns(address)) === search(turns(other));
}

function search(pairs) {
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

export function whenAnswered(act) {
  answered = act;
}

export function start() {
  window.ketqa.before = () => {
    const kept = editing ? turns(location.search).slice(0, editing - 1) : turns(location.search);
    stopEditing();
    asking = true;
    return search(kept);
  };
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; look(); });
  }).observe(document.querySelector("gradio-app"), { childList: true, subtree: true });
  // Gradio takes the page's language for the browser's.
  new MutationObserver(() => {
    if (document.documentElement.lang !== language) document.documentElement.lang = language;
  }).observe(document.documentElement, { attributeFilter: ["lang"] });
  document.documentElement.lang = language;
  addEventListener("popstate", () => { stopEditing(); press("go"); });
  look();
}

// Something in the chat changed: is there a new answer?
function look() {
  const chat = document.getElementById("chat");
  document.body.classList.toggle("ready", Boolean(box()));
  if (!chat) return;
  // What is new is said once, below; the whole log would be read again at every stage.
  chat.querySelector("[role=log]")?.setAttribute("aria-live", "off");
  const sections = [...chat.querySelectorAll("section.answer")];
  document.body.classList.toggle("asked", sections.length > 0);
  const last = sections.at(-1);
  if (!last) shown = "";
  if (asking && sections.some((section) => !section.classList.contains("done"))) bringUp(last);
  if (!last?.classList.contains("done") || !last.isConnected) return;
  const what = `${last.dataset.address} ${last.textContent}`;
  if (what === shown) return;
  shown = what;
  const address = new URL(last.dataset.address ?? location.search, location.href).search;
  // While a whole chat opens, only its last answer counts.
  if (!asking && !same(address, location.search)) return;
  if (turns(address).length > 1) bringUp(last);
  asking = false;
  announce(last);
  if (!same(address, location.search)) history.pushState(null, "", address);
  answered(last);
}

// The question just asked goes to the top of the window, so that the answer is read from its start.
function bringUp(section) {
  const rows = [...document.querySelectorAll("#chat .turn")];
  const row = rows.filter((turn) => turn.compareDocumentPosition(section) & 4).at(-1);
  (row ?? section).scrollIntoView({ block: "start" });
}

function announce(section) {
  const text = (selector) =>
    [...section.querySelectorAll(selector)].map((element) => element.textContent.trim()).join(" ");
  const urgent = text(".notice-emergency");
  say(urgent, "alarm");
  say(`${text(".notice-advice")} ${text(".reply")} ${text(".verdict")}`.trim());
}

function fill(text, exactly = false) {
  const input = box();
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input), "value").set.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  if (typed().checked !== exactly) typed().click();
}

function press(id) {
  const button = document.getElementById(id);
  (button?.tagName === "BUTTON" ? button : button?.querySelector("button"))?.click();
}

export function ask(text, exactly = false) {
  fill(text, exactly);
  // Gradio takes the box's words over in its own time.
  setTimeout(() => press("ask"), 50);
}

// Before the chat is there, a question to begin with is the link that it is.
export function example(link) {
  if (box()) ask(link.textContent.trim());
  else location.href = link.href;
}

export function startAnew(link) {
  stopEditing();
  go(link.getAttribute("href"));
  box()?.focus();
}

export function go(address) {
  history.pushState(null, "", address);
  shown = "";
  press("go");
}

export function share(button) {
  const address = button.closest("section").dataset.address;
  copyText(location.origin + location.pathname + address).then((copied) =>
    tell(button, word(copied ? "copied" : "copy_failed")));
}

// Say something beside a button, to the eye and to the ear.
export function tell(button, text) {
  let place = button.parentElement.querySelector(".told");
  if (!place) {
    place = Object.assign(document.createElement("span"), { className: "told" });
    button.after(place);
  }
  place.textContent = text;
  say(text);
}

export function edit(button) {
  const turn = Number(button.dataset.turn);
  const [name, question] = turns(location.search)[turn - 1] ?? ["q", asked(button)];
  startEditing(turn, question, name === "x");
}

export function again(button) {
  const turn = Number(button.dataset.turn);
  const [name, question] = turns(location.search)[turn - 1] ?? ["q", asked(button)];
  editing = turn;
  ask(question, name === "x");
}

// What was searched goes into the box, to be changed and searched as it is then.
export function changeSearch(button) {
  const section = button.closest("section");
  startEditing(turns(section.dataset.address).length, section.dataset.query, true);
}

export function searchOwnWords(button) {
  const section = button.closest("section");
  editing = turns(section.dataset.address).length;
  ask(section.dataset.question, true);
}

function asked(button) {
  return button.closest(".turn").querySelector("bdi").textContent;
}

function startEditing(turn, text, exactly) {
  editing = turn;
  document.querySelector(".editing").hidden = false;
  fill(text, exactly);
  box().focus();
}

function stopEditing() {
  editing = null;
  document.querySelector(".editing").hidden = true;
}

export function cancel() {
  stopEditing();
  fill("");
  box().focus();
}
