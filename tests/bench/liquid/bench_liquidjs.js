// As bench_liquid.c, with liquidjs: node bench_liquidjs.js FIXTURE SECONDS, NODE_PATH names the folder of its package.
"use strict";
const fs = require("fs");
const path = require("path");
const { Liquid } = require("liquidjs");

const [fixture, seconds] = process.argv.slice(2);
const engine = new Liquid({ root: path.join(fixture, "templates"), extname: ".liquid", cache: true });
const template = engine.parse(fs.readFileSync(path.join(fixture, "templates/index.liquid"), "utf8"));
const data = JSON.parse(fs.readFileSync(path.join(fixture, "data.json"), "utf8"));
const render = () => engine.renderSync(template, data);

function cpuMicros() {
    const usage = process.cpuUsage();
    return usage.user + usage.system;
}

function repeat(length) {
    const start = cpuMicros();
    const end = start + length * 1e6;
    let count = 0;
    let now;
    do {
        for (let i = 0; i < 20; i++) {
            render();
        }
        count += 20;
        now = cpuMicros();
    } while (now < end);
    return (now - start) / count;
}

if (seconds === "0") {
    process.stdout.write(render());
} else {
    repeat(Number(seconds) / 4); // for the compiler of the language
    const time = repeat(Number(seconds));
    console.log(`${time.toFixed(3)} ${Buffer.byteLength(render())}`);
}
