// Keeps a page current: by server-sent events, else by fetching it again from time to time. Without this script every
// page works and shows what was true when it was loaded.
(() => {
  "use strict";
  const POLL_SECONDS = 10;
  const parser = new DOMParser();
  const live = document.getElementById("live");
  let source = null;
  let timer = 0;
  let fetching = false;
  let again = false;

  const say = (text, on) => {
    live.textContent = text;
    live.classList.toggle("on", on);
  };

  const address = () => document.getElementById("main").dataset.stream;

  // What a stream is about: its address without what the page has seen.
  const subject = (stream) => (stream || "").replace(/(from|version)=[^&]*/g, "");

  // Replaces a part of the page, unless a person is typing in it; what they opened stays open.
  const replace = (old, fresh) => {
    if (old.isEqualNode(fresh) || (old.contains(document.activeElement) && document.activeElement.matches("textarea, input"))) return;
    const opened = [...old.querySelectorAll("details")].map((each) => each.open);
    [...fresh.querySelectorAll("details")].forEach((each, index) => {
      if (opened.length > index && opened[index]) each.open = true;
    });
    old.replaceWith(fresh);
  };

  const swap = (page, whole) => {
    for (const part of page.querySelectorAll("[data-live]")) {
      const old = document.getElementById(part.id);
      if (old) replace(old, part);
    }
    const output = document.getElementById("output");
    const fresh = page.getElementById("output");
    if (output && fresh && (whole || output.dataset.output !== fresh.dataset.output)) {
      replace(output, fresh);
      document.getElementById("totals").textContent = page.getElementById("totals").textContent;
    }
    const why = document.getElementById("why");
    if (why && !page.getElementById("why")) why.remove();
    document.title = page.title;
  };

  const refresh = async (whole) => {
    if (fetching) {
      again = true;
      return;
    }
    fetching = true;
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = parser.parseFromString(await response.text(), "text/html");
      const main = document.getElementById("main");
      const before = subject(address());
      if (response.ok) {
        swap(page, whole);
        const stream = page.getElementById("main").dataset.stream;
        if (stream) main.dataset.stream = stream;
        else delete main.dataset.stream;
        if (stream && subject(stream) !== before) connect();
      } else {
        say(page.title.split(" · ")[0], false);
      }
    } catch {
      say("no connection; trying again", false);
    } finally {
      fetching = false;
      if (again) {
        again = false;
        refresh(whole);
      }
    }
  };

  const show = ({ key, html }) => {
    const items = document.getElementById("items");
    if (!items) return;
    const fresh = parser.parseFromString(html, "text/html").body.firstElementChild;
    const old = document.getElementById(`item-${key}`);
    const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 80;
    document.getElementById("why")?.remove();
    if (old) {
      replace(old, fresh);
    } else {
      fresh.classList.add("new");
      items.append(fresh);
      if (atEnd && window.scrollY > 0) fresh.scrollIntoView({ block: "end" });
    }
  };

  const close = () => {
    clearInterval(timer);
    source?.close();
    source = null;
  };

  const poll = () => {
    close();
    say(`updated every ${POLL_SECONDS} s`, true);
    timer = setInterval(() => {
      refresh(true).then(() => {
        if (!address()) {
          close();
          say("", false);
        }
      });
    }, POLL_SECONDS * 1000);
  };

  const connect = () => {
    close();
    if (!address()) return;
    source = new EventSource(address());
    source.onopen = () => {
      say("live", true);
      if (!address().includes("version=")) refresh(false); // a stream that knows the version tells what was missed
    };
    source.onerror = () => (source.readyState === EventSource.CLOSED ? poll() : say("connecting", false));
    source.addEventListener("changed", () => refresh(false));
    source.addEventListener("item", (event) => show(JSON.parse(event.data)));
    source.addEventListener("totals", (event) => (document.getElementById("totals").textContent = event.data));
    source.addEventListener("end", () => {
      close();
      say("", false);
      refresh(true);
    });
  };

  connect();
})();
