// What stays in this browser, and nowhere else: earlier questions, and opinions on quotes.
import { tell } from "./chat.js";
import { language, word } from "./say.js";

const EARLIER = "ketqa.earlier";
const OPINIONS = "ketqa.opinions";
const KEPT = "ketqa.keep";
const CONSENT = "ketqa.consent";
const MOST = 100;
const dialog = document.getElementById("earlier");

function load(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function save(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // A browser may forbid keeping anything: then nothing is kept.
  }
}

// A chat is kept under its whole address, and takes the place of what it grew from.
export function remember(section) {
  const { address } = section.dataset;
  if (!address || !load(KEPT, true)) return;
  const older = load(EARLIER, []).filter((chat) => !`${address}&`.startsWith(`${chat.address}&`));
  const title = [...document.querySelectorAll("#chat .turn bdi")].map((turn) => turn.textContent);
  save(EARLIER, [{ address, title: title.join(" · "), when: Date.now() }, ...older].slice(0, MOST));
}

export function open() {
  const list = dialog.querySelector(".list");
  const chats = load(EARLIER, []);
  list.replaceChildren(...chats.map((chat) => {
    const link = Object.assign(document.createElement("a"), { textContent: chat.title });
    link.setAttribute("href", chat.address);
    link.dataset.do = "go-earlier";
    const item = document.createElement("li");
    item.dir = "auto";
    item.append(link, ` ${new Date(chat.when).toLocaleDateString(language)}`);
    return item;
  }));
  dialog.querySelector(".none").hidden = chats.length > 0;
  dialog.querySelector("[data-do=keep]").checked = load(KEPT, true);
  dialog.querySelector(".opinions").textContent = word("opinions_n", { n: load(OPINIONS, []).length });
  if (!dialog.open) dialog.showModal();
}

export function setKept(box) {
  save(KEPT, box.checked);
  if (!box.checked) forget();
}

export function forget() {
  localStorage.removeItem(EARLIER);
  open();
}

export function forgetOpinions() {
  localStorage.removeItem(OPINIONS);
  localStorage.removeItem(CONSENT);
  open();
}

export function opinion(button) {
  if (load(CONSENT, false)) {
    keepOpinion(button);
    return;
  }
  const consent = document.getElementById("consent");
  consent.returnValue = "no";
  consent.onclose = () => {
    if (consent.returnValue !== "yes") return;
    save(CONSENT, true);
    keepOpinion(button);
  };
  consent.showModal();
}

function keepOpinion(button) {
  const card = button.closest(".card");
  const section = button.closest("section");
  const { file, start, end } = card.querySelector("mark.quote").dataset;
  const row = {
    question: section.dataset.question,
    query: section.dataset.query,
    source: file,
    start: Number(start),
    end: Number(end),
    quote: card.querySelector("mark.quote").textContent,
    opinion: button.dataset.opinion,
  };
  const same = (other) =>
    other.question === row.question && other.source === file && other.start === row.start;
  save(OPINIONS, [...load(OPINIONS, []).filter((other) => !same(other)), row]);
  for (const other of button.parentElement.querySelectorAll("[data-do=opinion]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  tell(button.parentElement.lastElementChild, word("feedback_thanks"));
}

// Candidates for gold questions, one a line: a curator decides about each.
export function exportOpinions() {
  const rows = new Map();
  for (const { question, source, quote, opinion: said } of load(OPINIONS, [])) {
    const row = rows.get(question) ?? {
      id: `page-${rows.size + 1}`, question, history: [], expect: "evidence", notice: "none",
      gold: [], tags: [], opinions: [],
    };
    if (said === "answers") row.gold.push({ source, quote, grade: 2 });
    if (said === "related") row.gold.push({ source, quote, grade: 1 });
    row.opinions.push({ source, quote, opinion: said });
    rows.set(question, row);
  }
  const text = [...rows.values()].map((row) => `${JSON.stringify(row)}\n`).join("");
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(new Blob([text], { type: "application/jsonl" })),
    download: "ketqa-opinions.jsonl",
  });
  link.click();
  URL.revokeObjectURL(link.href);
}
