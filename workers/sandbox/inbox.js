/* The inbox page. Whatever came in a message is put on the page as text only; its HTML is shown in a frame that may do
 * nothing. */
"use strict";

const POLL_MS = 1500;
const LIST_MOST = 500;

const $ = (id) => document.getElementById(id);
const state = { newest: 0, chosen: null, message: null, tab: null, timer: null, faults: [] };

function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
        if (key === "class") {
            element.className = value;
        } else {
            element.setAttribute(key, value);
        }
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
}

async function ask(method, path, body) {
    const answer = await fetch(path, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    const json = text ? JSON.parse(text) : null;
    if (!answer.ok) {
        throw new Error((json && json.error) || answer.statusText);
    }
    return json;
}

const time = (text) => new Date(text).toLocaleTimeString([], { timeStyle: "medium", hourCycle: "h23" });
const count = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

/* --- counts --- */

function showCounts(stats) {
    const rows = [
        ["requests", stats.requests, ""],
        ["accepted", stats.accepted, ""],
        ["distinct", stats.distinct_mids, ""],
        ["duplicates", stats.duplicates, stats.duplicates ? "bad" : "good"],
    ];
    $("counts").replaceChildren(...rows.map(([label, number, className]) =>
        make("div", { class: className }, make("dt", {}, label), make("dd", {}, number.toLocaleString()))));
}

/* --- list --- */

function query(since) {
    const parts = new URLSearchParams({ limit: LIST_MOST, accepted: $("refused").checked ? "all" : "true" });
    for (const name of ["to", "tag", "channel"]) {
        if ($(name).value.trim()) {
            parts.set(name, $(name).value.trim());
        }
    }
    if (since) {
        parts.set("since", since);
    }
    return "/api/messages?" + parts;
}

function marks(message) {
    const list = make("span", { class: "marks" });
    if (message.copy > 1) {
        list.append(make("span", { class: "mark bad" }, `copy ${message.copy}`));
    }
    if (message.answer !== "201") {
        list.append(make("span", { class: "mark bad" }, message.answer));
    }
    list.append(make("span", { class: "mark" },
        message.channel === "sms" ? (message.segments ? `SMS × ${message.segments}` : "SMS") : "e-mail"));
    return list;
}

function row(message) {
    const button = make("button", { type: "button", "data-id": message.id },
        make("span", { class: "who", dir: "auto" }, message.to || "(nobody)"),
        make("time", { datetime: message.time, title: message.time }, time(message.time)),
        make("span", { class: "what", dir: "auto" }, message.subject || "(nothing)"),
        marks(message));
    button.addEventListener("click", () => choose(message.id));
    if (message.id === state.chosen) {
        button.setAttribute("aria-current", "true");
    }
    return make("li", {}, button);
}

function showEmpty() {
    const isFiltered = $("to").value || $("tag").value || $("channel").value;
    $("empty").hidden = $("list").children.length > 0;
    $("empty").textContent = isFiltered ? "Nothing matches." : "No message yet. New ones show up here by themselves.";
}

async function reload() {
    const answer = await ask("GET", query());
    state.newest = answer.newest;
    $("list").replaceChildren(...answer.messages.map(row));
    showEmpty();
}

async function poll() {
    try {
        showCounts(await ask("GET", "/api/stats"));
        const answer = await ask("GET", query(state.newest));
        if (answer.newest < state.newest) {
            await reload(); /* the sandbox was restarted */
        } else if (answer.newest > state.newest) {
            state.newest = answer.newest;
            $("list").prepend(...answer.messages.map(row));
            while ($("list").children.length > LIST_MOST) {
                $("list").lastChild.remove();
            }
            showEmpty();
        }
        document.body.classList.remove("away");
        document.title = "perkline sandbox";
    } catch (error) {
        document.title = "(away) perkline sandbox";
    }
    clearTimeout(state.timer);
    state.timer = document.hidden ? null : setTimeout(poll, POLL_MS);
}

/* --- one message --- */

function facts(message) {
    const recipient = message.to || "";
    const rows = [
        ["To", recipient],
        ["From", message.from],
        ["Received", new Date(message.time).toLocaleString()],
        ["Answered", message.accepted ? message.answer : `${message.answer} (not accepted)`],
        ["Message id", message.message_id],
        ["Tags", message.tags.join(", ")],
    ];
    if (message.copy > 1) {
        rows.push(["Duplicate", `accepted ${message.copy} times by now`]);
    }
    return rows.filter(([, value]) => value).flatMap(([label, value]) =>
        [make("dt", {}, label), make("dd", {}, make("bdi", {}, value))]);
}

function tabsOf(message) {
    const tabs = [];
    if (message.channel === "sms") {
        tabs.push(["SMS", showSms]);
    }
    if (message.html) {
        tabs.push(["HTML", showHtml]);
    }
    if (message.channel === "email" && message.text) {
        tabs.push(["Text", (m) => [make("pre", { class: "plain", dir: "auto" }, m.text)]]);
    }
    tabs.push(["Request", showRequest]);
    return tabs;
}

function showHtml(message) {
    return [make("iframe", { sandbox: "", title: "The message as HTML", src: `/api/messages/${message.id}/html` })];
}

function showSms(message) {
    if (!message.text) {
        return [make("p", { class: "quiet" }, "The text is not kept.")];
    }
    const size = `${count(message.segments, "segment", "segments")}, ` +
        (message.unicode ? `${message.units} UTF-16 units (UCS-2)` : `${message.units} septets (GSM-7)`);
    const isMangled = message.unicode && /"unicodeEnabled"\s*:\s*false/.test(message.request.body || "");
    return [make("div", { class: "sms" }, make("div", { class: "bubble", dir: "auto" }, message.text),
        make("p", { class: "quiet" }, size),
        isMangled ? make("p", { class: "bad" },
            "unicodeEnabled is false: Brevo replaces the characters that GSM-7 lacks.") : null)];
}

function pretty(body) {
    try {
        return JSON.stringify(JSON.parse(body), null, 2);
    } catch (error) {
        return body;
    }
}

function showRequest(message) {
    if (!message.request.head) {
        return [make("p", { class: "quiet" }, "Requests are not kept.")];
    }
    const body = message.request.body;
    return [make("h3", {}, "Head"), make("pre", { dir: "ltr" }, message.request.head), make("h3", {}, "Body"),
        body === undefined ? make("p", { class: "quiet" }, "The body is not kept any more.")
            : make("pre", { dir: "ltr" }, pretty(body))];
}

function showTab(name) {
    const tabs = tabsOf(state.message);
    const [shown, show] = tabs.find(([label]) => label === name) || tabs[0];
    state.tab = shown;
    $("tabs").replaceChildren(...tabs.map(([label]) => {
        const button = make("button", { type: "button", role: "tab", "aria-selected": String(label === shown) }, label);
        button.addEventListener("click", () => showTab(label));
        return button;
    }));
    if (shown === "HTML") {
        const isPhone = $("content").classList.contains("phone");
        const button = make("button", { type: "button" }, isPhone ? "Full width" : "Phone width");
        button.addEventListener("click", () => {
            $("content").classList.toggle("phone");
            showTab("HTML");
        });
        $("tabs").append(make("span", { class: "width" }, button));
    }
    $("content").replaceChildren(...show(state.message));
}

async function choose(id) {
    state.chosen = id;
    for (const button of $("list").querySelectorAll("button")) {
        if (Number(button.dataset.id) === id) {
            button.setAttribute("aria-current", "true");
        } else {
            button.removeAttribute("aria-current");
        }
    }
    try {
        state.message = await ask("GET", `/api/messages/${id}`);
    } catch (error) {
        unchoose(error.message);
        return;
    }
    $("nothing").hidden = true;
    $("message").hidden = false;
    $("subject").textContent = state.message.channel === "sms" ? "SMS" : state.message.subject || "(no subject)";
    $("facts").replaceChildren(...facts(state.message));
    showTab(state.tab);
    document.body.classList.add("reading");
    $("message-pane").scrollTop = 0;
    history.replaceState(null, "", `#${id}`);
}

function unchoose(text) {
    state.chosen = null;
    $("nothing").textContent = text || "Choose a message.";
    $("nothing").hidden = false;
    $("message").hidden = true;
    document.body.classList.remove("reading");
    history.replaceState(null, "", location.pathname);
}

/* --- faults --- */

function showFaults(answer) {
    state.faults = answer.faults;
    $("faults-open").textContent = answer.faults.length ? `Faults (${answer.faults.length})` : "Faults";
    $("faults-open").classList.toggle("on", answer.faults.length > 0);
    $("fault-list").replaceChildren(...answer.faults.map((fault, index) => {
        const remove = make("button", { type: "button" }, "Remove");
        remove.addEventListener("click", () => putFaults(state.faults.filter((_, other) => other !== index)));
        const text = [fault.kind, fault.ms ? `${fault.ms} ms` : "", fault.channel || "",
            `${+(fault.probability * 100).toFixed(4)} %`].filter(Boolean).join(" · ");
        return make("li", {}, make("span", {}, text), make("span", { class: "quiet" }, `struck ${fault.struck} ×`), remove);
    }));
}

async function putFaults(faults) {
    try {
        showFaults(await ask("PUT", "/api/faults", { faults }));
        $("fault-error").hidden = true;
    } catch (error) {
        $("fault-error").textContent = error.message;
        $("fault-error").hidden = false;
    }
}

$("faults-open").addEventListener("click", async () => {
    showFaults(await ask("GET", "/api/faults"));
    $("faults").showModal();
});
$("fault-kind").addEventListener("change", () => {
    $("fault-ms-label").hidden = $("fault-kind").value !== "delay";
});
$("fault-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const fault = { kind: $("fault-kind").value, probability: Number($("fault-percent").value) / 100 };
    if ($("fault-channel").value) {
        fault.channel = $("fault-channel").value;
    }
    if (fault.kind === "delay") {
        fault.ms = Number($("fault-ms").value);
    }
    putFaults([...state.faults, fault]);
});

/* --- start --- */

$("clear").addEventListener("click", async () => {
    await ask("DELETE", "/api/messages");
    unchoose();
    await reload();
    poll();
});
$("back").addEventListener("click", () => unchoose());
$("filter").addEventListener("input", reload);
$("filter").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("visibilitychange", () => document.hidden || poll());

(async () => {
    try {
        showFaults(await ask("GET", "/api/faults"));
        await reload();
        if (/^#\d+$/.test(location.hash)) {
            await choose(Number(location.hash.slice(1)));
        }
    } finally {
        poll();
    }
})();
