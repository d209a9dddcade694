// The reader view: a document beside the chat, at the quote, with the answer's others marked.
// Of a PDF the page comes first, as it is printed, with the quote's own words above it.
import { documentPath, language, say, word } from "./say.js";

const book = document.getElementById("book");
let openedBy = null;
let drawn = 0;

export async function open(link) {
  const address = new URL(link.href);
  const file = decodeURIComponent(address.pathname.replace(/^\/documents\//, ""));
  const query = new URLSearchParams(address.search);
  for (const mark of link.closest("section.answer")?.querySelectorAll("mark.quote") ?? []) {
    if (mark.dataset.file === file) query.append("also", `${mark.dataset.start}-${mark.dataset.end}`);
  }
  query.set("lang", language);
  openedBy = link;
  link.closest("dialog")?.close();
  book.hidden = false;
  document.body.classList.add("beside");
  book.replaceChildren(Object.assign(document.createElement("p"), { textContent: word("reader_loading") }));
  try {
    const response = await fetch(`/read/${documentPath(file)}?${query}`);
    if (!response.ok) throw new Error(response.statusText);
    book.innerHTML = await response.text(); // our own server's, escaped there
  } catch {
    book.textContent = word("reader_failed");
    say(word("reader_failed"));
    return;
  }
  const quote = book.querySelector("#quote");
  if (quote) show(quote);
  else {
    book.focus();
    draw();
  }
}

function marks() {
  return [...book.querySelectorAll(".text mark.quote")];
}

function current() {
  return marks().find((mark) => !mark.classList.contains("other"));
}

function show(mark) {
  for (const other of marks()) other.classList.toggle("other", other !== mark);
  place(mark);
  if (book.querySelector(".sheet")) draw();
  else goTo(mark);
}

function goTo(element) {
  element.focus({ preventScroll: true });
  bring(element);
}

// The printed page that the current quote is on, or another one.
async function draw(page) {
  const sheet = book.querySelector(".sheet");
  if (!sheet) return null;
  const query = new URLSearchParams({ lang: language });
  if (page) query.set("page", page);
  for (const mark of marks()) query.append("also", `${mark.dataset.start}-${mark.dataset.end}`);
  const quote = current();
  if (quote) for (const end of ["start", "end"]) query.set(end, quote.dataset[end]);
  drawn += 1;
  const turn = drawn;
  let html = null;
  try {
    const response = await fetch(`/printed/${documentPath(sheet.dataset.file)}?${query}`);
    if (response.ok) html = await response.text();
  } catch {
    // Then there is no page, and the text stays.
  }
  if (turn !== drawn || !sheet.isConnected) return null;
  if (html === null) sheet.textContent = word("printed_undrawn");
  else sheet.innerHTML = html; // our own server's, escaped there
  const here = sheet.querySelector(".here");
  if (here) here.style.top = `${100 * here.dataset.top}%`;
  const words = sheet.querySelector("mark.quote");
  words?.focus({ preventScroll: true });
  bring(here ?? words ?? (page ? sheet : book));
  return sheet;
}

export async function turnPage(button) {
  const { page, way } = button.dataset;
  const sheet = await draw(page);
  const again = sheet?.querySelector(`[data-way=${way}]`);
  if (again && !again.disabled) again.focus({ preventScroll: true });
  say(sheet?.querySelector("figcaption")?.textContent ?? "");
}

export function inText() {
  goTo(current());
}

function place(mark) {
  const all = marks();
  const text = word("reader_place", { n: all.indexOf(mark) + 1, of: all.length });
  book.querySelector(".place").textContent = text;
  if (all.length > 1) say(text);
}

// Beside the chat only the document scrolls; below it, on a narrow screen, the page does.
function bring(element) {
  const pages = book.querySelector(".pages");
  if (pages.scrollHeight > pages.clientHeight) {
    const offset = element.getBoundingClientRect().top - pages.getBoundingClientRect().top;
    pages.scrollTop += offset - pages.clientHeight / 3;
    book.scrollIntoView({ block: "nearest" });
  } else {
    element.scrollIntoView({ block: "center" });
  }
}

export function turn(step) {
  const all = marks();
  const now = all.indexOf(current());
  show(all[(now + step + all.length) % all.length]);
}

export function heading(link) {
  const found = document.getElementById(link.getAttribute("href").slice(1));
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
  bring(found);
}

export function close() {
  book.hidden = true;
  book.replaceChildren();
  document.body.classList.remove("beside");
  if (openedBy?.isConnected) {
    openedBy.focus({ preventScroll: true });
    openedBy.scrollIntoView({ block: "center" });
  }
}
