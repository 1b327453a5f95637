"use strict";
/* Builds the cards from the data in the page. What is chosen stands in the address (#flow=signup&locale=fa), so that a
 * view can be kept as a bookmark. */
(() => {
    const data = JSON.parse(document.getElementById("data").textContent);
    const main = document.getElementById("main");
    const selects = ["flow", "locale", "channel"].map((id) => document.getElementById(id));
    const ticks = ["dark", "faults"].map((id) => document.getElementById(id));
    const channels = { email: "e-mail", sms: "SMS" };

    /* Element with a class, a text, and children. */
    function make(name, className, ...content) {
        const element = document.createElement(name);
        if (className) element.className = className;
        element.append(...content.filter((part) => part !== null && part !== undefined && part !== ""));
        return element;
    }

    function languageName(tag) {
        try {
            return new Intl.DisplayNames(["en"], { type: "language" }).of(tag);
        } catch {
            return tag;
        }
    }

    /* --- one message ------------------------------------------------------------------------------------------- */

    function frame(kind, label, message) {
        const iframe = document.createElement("iframe");
        iframe.loading = "lazy";
        iframe.setAttribute("sandbox", "");
        iframe.title = `${message.flow}, ${message.locale}, ${label}`;
        iframe.dataset.mail = message.mail;
        point(iframe);
        return make("figure", kind, make("figcaption", "", label), iframe);
    }

    function point(iframe) {
        iframe.src = `mail/${iframe.dataset.mail}${document.getElementById("dark").checked ? ".dark" : ""}.html`;
    }

    function inLanguage(element, message) {
        element.dir = message.dir;
        element.lang = message.falls_back_to || message.locale;
        return element;
    }

    function email(message) {
        const text = inLanguage(make("pre", "", message.text), message);
        return [
            inLanguage(make("p", "line",
                make("span", "from", message.from), make("span", "subject", message.subject),
                message.preheader ? make("span", "preheader", message.preheader) : null), message),
            make("div", "frames", frame("desktop", "700 px, desktop", message), frame("phone", "375 px, phone", message)),
            make("details", "", make("summary", "", "Text part"), text),
        ];
    }

    function sms(message) {
        const most = message.segments_max ? ` of at most ${message.segments_max}` : "";
        const unit = message.encoding === "UCS-2" ? "units" : "septets";
        return [
            make("div", "sms",
                message.from ? make("p", "line", make("span", "from", message.from)) : null,
                inLanguage(make("p", "bubble", message.text), message),
                make("p", "cost", `${message.segments}${most} ${message.segments === 1 && !most ? "segment" : "segments"}`
                    + ` · ${message.encoding}, ${message.units} of ${message.units_max} ${unit}`)),
        ];
    }

    function body(message) {
        const parts = [];
        if (message.error) return [make("p", "fault", message.error)];
        if (message.falls_back_to) {
            parts.push(make("p", "note", `There is no template in this language: members get “${message.falls_back_to}”.`));
        }
        if (message.not_sent) parts.push(make("p", "note", `For this sample nothing is sent: ${message.not_sent}.`));
        return parts.concat(message.channel === "email" ? email(message) : sms(message));
    }

    /* --- one card: flow, channel, language, with a choice of samples --------------------------------------------- */

    /* The sample that shows most: of the language, and really sent. */
    function best(messages) {
        const value = (m) => (m.speaks ? 2 : 0) + (m.not_sent ? 0 : 1);
        return messages.reduce((a, b) => (value(b) > value(a) ? b : a));
    }

    function card(flow, messages) {
        const content = make("div", "body");
        const chooser = document.createElement("select");
        let chosen = best(messages);
        const { channel, locale } = chosen;
        const broken = messages.find((m) => m.error);

        if (broken && !chosen.error) chosen = broken;
        for (const message of messages) {
            const mark = message.error ? " (error)" : message.not_sent ? " (not sent)" : "";
            chooser.append(new Option(flow.samples[message.sample] + mark, message.sample));
        }
        chooser.value = chosen.sample;
        chooser.onchange = () => {
            const message = messages.find((m) => m.sample === Number(chooser.value));
            content.replaceChildren(...body(message));
        };
        content.replaceChildren(...body(chosen));
        return make("article", "card",
            make("div", "bar",
                make("h3", "", `${flow.name} `, make("small", "", `${channels[channel]} · ${languageName(locale)} (${locale})`)),
                make("label", "", "Sample ", chooser)),
            content);
    }

    /* --- the page ---------------------------------------------------------------------------------------------- */

    const groups = new Map();
    for (const message of data.messages) {
        const key = JSON.stringify([message.flow, message.channel, message.locale]);
        if (!groups.has(key)) groups.set(key, []);
        groups.get(key).push(message);
    }

    function wanted(messages, choice) {
        const { channel, locale } = messages[0];
        return (!choice.channel || channel === choice.channel) && (!choice.locale || locale === choice.locale)
            && (!choice.faults || messages.some((m) => m.error));
    }

    function section(flow, choice) {
        const cards = [...groups.values()].filter((g) => g[0].flow === flow.name && wanted(g, choice)).map((g) => card(flow, g));
        const faults = (flow.errors || []).map((error) => make("p", "fault", error));
        if (!flow.errors && flow.samples.length === 0) faults.push(make("p", "note", "This flow has no samples to show."));
        if (cards.length + faults.length === 0 || (choice.faults && cards.length === 0 && !flow.errors)) return null;
        return make("section", "flow", make("h2", "", flow.name),
            make("p", "", flow.on ? `${flow.class}, on ${flow.on}` : "cannot be used"), ...faults, ...cards);
    }

    function show() {
        const choice = Object.fromEntries(selects.map((s) => [s.id, s.value]).concat(ticks.map((t) => [t.id, t.checked])));
        const sections = data.flows.filter((f) => !choice.flow || f.name === choice.flow).map((f) => section(f, choice))
            .filter((s) => s);
        main.replaceChildren(...(sections.length ? sections : [make("p", "nothing", "Nothing of that kind.")]));
        const faults = data.messages.filter((m) => m.error).length + data.flows.filter((f) => f.errors).length;
        document.getElementById("count").textContent =
            `${main.querySelectorAll(".card").length} shown` + (faults ? `, ${faults} of all cannot be rendered` : "");
        const query = new URLSearchParams(Object.entries(choice).filter(([, v]) => v));
        history.replaceState(null, "", `#${query}`);
    }

    for (const flow of data.flows) selects[0].append(new Option(flow.name, flow.name));
    for (const locale of data.locales) selects[1].append(new Option(`${languageName(locale)} (${locale})`, locale));
    const start = new URLSearchParams(location.hash.slice(1));
    for (const select of selects) if (start.has(select.id)) select.value = start.get(select.id);
    for (const tick of ticks) tick.checked = start.get(tick.id) === "true";
    for (const select of selects) select.onchange = show;
    document.getElementById("faults").onchange = show;
    document.getElementById("dark").onchange = () => {
        document.querySelectorAll("iframe").forEach(point);
        const query = new URLSearchParams(location.hash.slice(1));
        if (document.getElementById("dark").checked) query.set("dark", "true");
        else query.delete("dark");
        history.replaceState(null, "", `#${query}`);
    };
    show();
})();
