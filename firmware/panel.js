// Shows what the panel's stream says; without a word for SILENT_MS it says out of service by itself.
"use strict";

const SILENT_MS = 4000; // the stream speaks every second
const LONG_CHARS = 24; // a headline that would take more than two lines beside its sign
const LONGER_CHARS = 60; // one that would take more than three below it: several kinds of documents are missing
const LONG_PLATE_CHARS = 9;
const AWAY = { aspect: "out-of-service", vi: "Tạm ngừng phục vụ", en: "Temporarily out of service" };

const byId = (id) => document.getElementById(id);

// A text is a headline, its lines divided by a dash or a colon, and after the first full stop what to do.
function write(id, text) {
  const [headline, ...more] = text.split(". ");
  byId(id).textContent = id === "vi" ? headline.replace(" – ", "\n").replace(": ", ":\n") : headline;
  byId(`${id}-more`).textContent = more.join(". ");
}

// A hint stands in the headline, with a sign of its own; what it stands before is what to do after it.
function advised(shown) {
  const advice = shown.advice ?? {};
  document.body.dataset.hint = advice.hint ?? "none";
  if (!advice.hint) {
    return shown;
  }
  const beside = (language) => (shown.aspect === "ready" ? advice[language] : `${advice[language]}. ${shown[language]}`);
  return { ...shown, vi: beside("vi"), en: beside("en") };
}

function show(told) {
  const shown = advised(told);
  document.body.dataset.aspect = shown.aspect;
  const chars = shown.vi.split(". ")[0].length;
  document.body.dataset.long = chars > LONGER_CHARS ? "longer" : chars > LONG_CHARS;
  const plate = shown.plate ?? "";
  byId("plate").textContent = plate;
  document.body.dataset.plate = plate === "" ? "none" : plate.length > LONG_PLATE_CHARS ? "long" : "short";
  write("vi", shown.vi);
  write("en", shown.en);
}

function tell(health) {
  byId("lane").textContent = health ? `${health.lane} · ${health.device}` : "";
  byId("knowledge").textContent = health?.knowledge ? `${health.knowledge.vi} · ${health.knowledge.en}` : "";
  byId("notices").replaceChildren(
    ...(health ? health.notices : []).map((notice) => {
      const line = document.createElement("li");
      line.textContent = `${notice.vi} · ${notice.en}`;
      return line;
    }),
  );
}

function away() {
  show(AWAY);
  tell(null);
}

let silence = setTimeout(away, SILENT_MS);
let last = "";

function heard(event) {
  clearTimeout(silence);
  silence = setTimeout(() => {
    last = "";
    away();
  }, SILENT_MS);
  if (event.data !== last) {
    last = event.data;
    const { shown, health } = JSON.parse(event.data);
    show(shown);
    tell(health);
  }
}

function follow() {
  const stream = new EventSource("events");
  stream.onmessage = heard;
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) {
      setTimeout(follow, 1000); // refused, as while too many screens look: EventSource itself gives up then
    }
  };
}

follow();
