// Show times in the reader's own zone, and say when a period has ended.

const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const second = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  const withDay = time.textContent.includes(",");
  time.title = time.textContent;
  const clock = /:\d\d:/.test(time.textContent) ? second : hour;
  time.textContent = (withDay ? `${day.format(moment)}, ` : "") + clock.format(moment);
}

for (const note of document.querySelectorAll("[data-ends-in]")) {
  const left = Number(note.dataset.endsIn) * 1000;
  if (left > 0 && left < 2 ** 31) {
    setTimeout(() => {
      note.setAttribute("role", "status");
      note.textContent = note.dataset.ended;
    }, left);
  }
}
