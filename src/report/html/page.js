// SPDX-License-Identifier: GPL-2.0-or-later
// Draws the report in #data. Names come from the traced program: they become
// text nodes and never markup.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const ROW = 20, ROWS_AT_ONCE = 50, SERIES = 6;

function element(name, attributes, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		made.setAttribute(key, value);
	made.append(...children);
	return made;
}

function shape(name, attributes, text) {
	const made = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	if (text !== undefined)
		made.textContent = text;
	return made;
}

function size(bytes) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB"];
	let value = Math.abs(bytes), unit = 0;

	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit++;
	}
	return (bytes < 0 ? "-" : "") + (unit ? value.toFixed(1) :
		Math.round(value)) + " " + units[unit];
}

const count = number => Math.round(number).toLocaleString("en");

function rate(perSecond) {
	if (!perSecond)
		return "";
	const sign = perSecond > 0 ? "+" : "";
	return Math.abs(perSecond) * 60 >= 1024 ? sign + size(perSecond * 60) +
		"/min" : sign + size(perSecond * 3600) + "/h";
}

function duration(seconds) {
	const units = [[86400, "d"], [3600, "h"], [60, "min"]];

	for (const [length, name] of units)
		if (seconds >= length) {
			const whole = Math.floor(seconds / length);
			const [next, nextName] = units[units.findIndex(
				u => u[0] === length) + 1] || [1, "s"];
			const rest = Math.floor(seconds % length / next);
			return `${whole} ${name}` +
				(rest ? ` ${rest} ${nextName}` : "");
		}
	if (seconds >= 1)
		return `${+seconds.toFixed(1)} s`;
	return `${+(seconds * 1000).toFixed(1)} ms`;
}

// A steady colour for a name.
function colour(name) {
	let hash = 0;

	for (let i = 0; i < name.length; i++)
		hash = (hash * 31 + name.charCodeAt(i)) >>> 0;
	return `hsl(${hash % 360} 58% 68%)`;
}

const seriesColours = ["#d1495b", "#e8a33d", "#3f88c5", "#5b9f6b", "#8e6bbf",
	"#4fb3b3", "#9aa3ad"];
const verdictColour = name => name ? `var(--${name})` : "var(--none)";

// What a frame is called, and where it is.
const frames = data.frames.map(frame => ({
	name: frame[0], source: frame[1], module: frame[2], inlined: frame[3],
	text: (frame[0] + " " + frame[1] + " " + frame[2]).toLowerCase(),
}));

// The first frame of the program's own: allocators, C++'s library and frames
// without a name say nothing of who it was.
const general = frame => /^(\[|0x|operator new|([\w:]+ )?(std|__gnu_cxx)::)/
	.test(frame.name) || /^(libc\.|libc-|libstdc\+\+|libc\+\+|ld-|ld\.)/
	.test(frame.module);

function own(stack) {
	const at = stack.frames.findIndex(index => !general(frames[index]));
	return at < 0 ? 0 : at;
}

const stacks = data.stacks.map((stack, index) => ({ ...stack,
	rank: index + 1, own: own(stack),
	title: stack.frames.length ? frames[stack.frames[own(stack)]].name :
		"(no frames)",
}));
const live = stacks.filter(stack => stack.blocks);

// Who called it, and what it called.
function around(stack) {
	const name = index => frames[index].name;
	const callers = stack.frames.slice(stack.own + 1, stack.own + 4);
	const via = stack.frames.slice(0, stack.own).reverse();

	return [callers.length ? "← " + callers.map(name).join(" ← ") : "",
		via.length ? "→ " + via.map(name).join(" → ") : ""];
}

function drawHead() {
	const of = data.target + (data.pid ? ` (PID ${data.pid})` : "");

	document.title = `${of} - leaktrace`;
	byId("title").textContent = of;
	byId("meta").textContent = [new Date(data.time_ms).toLocaleString(),
		`after ${duration(data.elapsed)}`, data.end,
		data.older ? `blocks older than ${duration(data.older)}` : "",
		data.sample ? `estimates: one block for every ${
			size(data.sample)} is recorded` : "",
	].filter(Boolean).join(" · ");
	if (data.summary) {
		const worst = ["leaking", "growing"].find(
			verdict => live.some(s => s.verdict === verdict));
		byId("answer").append(element("div",
			{ class: `answer ${worst || "steady"}` }, data.summary));
	}
	for (const total of data.totals)
		byId("tiles").append(element("div", { class: "tile" },
			element("b", {}, (data.at_least ? "≥ " : "") +
				size(total.bytes)),
			element("span", {}, `${total.space}, ${
				count(total.blocks)} blocks, ${
				count(total.stacks)} stacks`)));
	if (data.losses.length) {
		const list = element("ul", { class: "warnings" });
		for (const loss of data.losses)
			list.append(element("li", {}, `${loss.text} (${
				count(loss.count)})` + (loss.remedy ?
				`: ${loss.remedy}` : "")));
		byId("warnings").append(list);
	}
	if (data.suppressed.length) {
		const list = element("ul", { id: "suppressed" });
		for (const one of data.suppressed)
			list.append(element("li", {}, `suppressed: ${
				size(one.bytes)} in ${count(one.blocks)} block${
				one.blocks === 1 ? "" : "s"} from ${
				count(one.stacks)} stack${
				one.stacks === 1 ? "" : "s"} by ${
				one.pattern}`));
		byId("warnings").append(list);
	}
	byId("footer").textContent = `leaktrace ${data.version}. All call stacks ` +
		"with memory outstanding are in this file; nothing is loaded.";
}

// Steps for an axis: 1, 2 or 5 times a power of the base.
function ticks(highest, steps) {
	const base = 1024 ** Math.floor(Math.log(Math.max(highest, 1)) /
		Math.log(1024));
	const rough = highest / base / steps;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 2.5, 5, 10].find(n => n * power >= rough) * power * base;
	const result = [];

	for (let value = 0; value <= highest; value += step)
		result.push(value);
	return result;
}

// The same for time.
function timeTicks(seconds, most) {
	const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
		7200, 10800, 21600, 43200, 86400];
	const step = steps.find(length => seconds / length <= most) ||
		Math.ceil(seconds / most / 86400) * 86400;
	const result = [];

	for (let at = 0; at <= seconds; at += step)
		result.push(at);
	return result;
}

// Stacked areas: what leaks, what held most, and the others.
function drawChart() {
	const periods = data.history.length;

	if (periods < 2)
		return;
	byId("growth").hidden = false;
	const peak = stack => Math.max(0, ...stack.history);
	const chosen = stacks.filter(stack => stack.history)
		.sort((a, b) => (b.verdict === "leaking") -
			(a.verdict === "leaking") || peak(b) - peak(a))
		.slice(0, SERIES);
	const series = chosen.map(stack => {
		const values = new Array(periods).fill(0);
		stack.history.forEach((value, i) => {
			if (stack.first + i < periods)
				values[stack.first + i] = value;
		});
		return { name: stack.title, verdict: stack.verdict, values };
	});
	series.push({ name: "others", values: data.history.map((total, i) =>
		Math.max(0, total - series.reduce((sum, one) =>
			sum + one.values[i], 0))) });
	const width = Math.max(320, byId("chart").clientWidth || 1000);
	const height = width < 600 ? 200 : 260;
	const left = 70, right = 8, top = 8, bottom = 24;
	const highest = Math.max(1, ...data.history.map((_, i) =>
		series.reduce((sum, one) => sum + one.values[i], 0)));
	const x = i => left + i * (width - left - right) / (periods - 1);
	const y = v => height - bottom - v * (height - top - bottom) / highest;
	const chart = byId("chart");

	chart.replaceChildren();
	chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
	for (const value of ticks(highest, 4)) {
		chart.append(shape("line", { class: "grid", x1: left,
			x2: width - right, y1: y(value), y2: y(value) }));
		chart.append(shape("text", { x: left - 8, y: y(value) + 4,
			"text-anchor": "end" }, size(value)));
	}
	const below = new Array(periods).fill(0);
	[...series].reverse().forEach((one, backwards) => {
		const number = series.length - 1 - backwards;
		const over = [], under = [];
		for (let i = 0; i < periods; i++) {
			under.push(`${x(i).toFixed(1)},${y(below[i]).toFixed(1)}`);
			below[i] += one.values[i];
			over.push(`${x(i).toFixed(1)},${y(below[i]).toFixed(1)}`);
		}
		const area = shape("polygon", { points: [...over,
			...under.reverse()].join(" "), "fill-opacity": 0.85,
			fill: number < series.length - 1 ?
				seriesColours[number] : seriesColours[SERIES] });
		area.append(shape("title", {}, one.name));
		chart.append(area);
	});
	const whole = (periods - 1) * data.period;
	for (const seconds of timeTicks(whole, width < 600 ? 4 : 8))
		chart.append(shape("text", { x: x(seconds / data.period),
			y: height - 6, "text-anchor": !seconds ? "start" :
				seconds > 0.97 * whole ? "end" : "middle" },
			seconds ? duration(seconds) : "0"));
	byId("growth-hint").textContent =
		`the highest of every ${duration(data.period)}, since tracing began`;
	byId("legend").replaceChildren(...series.map((one, i) => {
		const box = element("i");
		box.style.background = i < series.length - 1 ?
			seriesColours[i] : seriesColours[SERIES];
		return element("span", { title: one.name }, box, one.name +
			(one.verdict ? ` (${one.verdict})` : ""));
	}));
}

// What the resident memory consists of, the largest part first.
function drawAccount() {
	const account = data.account;
	const bounds = { at_most: "at most ", at_least: "at least " };
	const change = bytes => bytes ? (bytes > 0 ? "+" : "") + size(bytes) : "";
	const line = (name, bytes, grown) => element("tr", {},
		element("td", {}, name),
		element("td", { class: "number" }, bytes),
		element("td", { class: "number" }, change(grown)));

	if (!account)
		return;
	byId("account").hidden = false;
	byId("account-hint").textContent = account.growth;
	byId("account-since").textContent = account.late ?
		"since tracing began" : "since the first report";
	byId("account-parts").replaceChildren(
		...account.parts.sort((a, b) => b[1] - a[1]).map(
			([name, bytes, grown, bound]) => line(name,
				(bounds[bound] || "") + size(bytes), grown)),
		line("together (RSS)", size(account.rss), account.change));
}

function sparkline(stack) {
	const svg = shape("svg", { class: "spark", viewBox: "0 0 90 22",
		preserveAspectRatio: "none", "aria-hidden": "true" });
	const values = stack.history || [];
	const highest = Math.max(1, ...values);

	if (values.length > 1)
		svg.append(shape("polyline", { fill: "none", "stroke-width": 1.5,
			stroke: verdictColour(stack.verdict),
			points: values.map((value, i) => `${(i * 90 /
				(values.length - 1)).toFixed(1)},${(20 - 18 * value /
				highest).toFixed(1)}`).join(" ") }));
	return svg;
}

const order = ["leaking", "growing", "plateaued", "steady", "start-up"];
const suspicion = stack => {
	const at = order.indexOf(stack.verdict);
	return at < 0 ? order.length : at;
};
const columns = [
	{ name: "#", key: s => s.rank, cell: s => s.rank, number: true, up: true,
		wide: true },
	{ name: "verdict", key: suspicion, up: true, cell: s => {
		const cell = element("span", { class: "verdict" },
			s.verdict || "-");
		cell.style.color = verdictColour(s.verdict);
		return cell;
	} },
	{ name: "bytes", key: s => s.bytes, number: true,
		cell: s => size(s.bytes) },
	{ name: "blocks", key: s => s.blocks, number: true, wide: true,
		cell: s => count(s.blocks) },
	{ name: "growth", key: s => s.rate || 0, number: true,
		cell: s => rate(s.rate) },
	{ name: "oldest", key: s => s.oldest, number: true, wide: true,
		cell: s => duration(s.oldest) },
	{ name: "", wide: true, cell: sparkline },
	{ name: "allocated by", key: s => s.title, up: true, last: true,
		cell: s => {
		const [callers, via] = around(s);
		const cell = element("div", { class: "where" }, s.title);
		for (const text of [callers, via, s.space !== "heap" ?
			s.space : ""])
			if (text)
				cell.append(element("small", { title: text },
					text));
		return cell;
	} },
];
let sorted = { column: 0, up: true }, shown = ROWS_AT_ONCE, wanted = "";

const matches = stack => !wanted ||
	stack.frames.some(index => frames[index].text.includes(wanted));

function frameItem(index) {
	const frame = frames[index];
	const item = element("li", {}, frame.name);

	if (frame.inlined)
		item.append(" ", element("i", {}, "inlined"));
	if (frame.source || frame.module)
		item.append(" ", element("small", {}, frame.source +
			(frame.module ? ` [${frame.module}]` : "")));
	return item;
}

function detail(stack) {
	const cell = element("td", { colspan: columns.length });

	if (stack.evidence)
		cell.append(element("div", {}, stack.evidence));
	cell.append(element("div", { class: "hint" }, [
		`allocated ${count(stack.allocations)} (${
			size(stack.allocated)})`,
		`freed ${count(stack.frees)} (${size(stack.freed)})`,
		stack.pid && stack.pid !== data.pid ? `PID ${stack.pid}` : "",
		stack.module ? `module ${stack.module}` : "",
		stack.flaw ? `incomplete: ${stack.flaw}` : "",
	].filter(Boolean).join(" · ")));
	cell.append(element("ol", {}, ...stack.frames.map(frameItem)));
	return element("tr", { class: "detail" }, cell);
}

function row(stack) {
	const made = element("tr", { class: "stack", tabindex: 0 },
		...columns.map(column => element("td", { class:
			(column.number ? "number " : "") +
			(column.wide ? "wide " : "") +
			(column.last ? "last" : "") }, column.cell(stack))));
	let open = null;
	const toggle = () => {
		if (open) {
			open.remove();
			open = null;
			return;
		}
		open = detail(stack);
		made.after(open);
	};

	made.addEventListener("click", toggle);
	made.addEventListener("keydown", event => {
		if (event.key === "Enter")
			toggle();
	});
	return made;
}

function drawTable() {
	const column = columns[sorted.column];
	const list = live.filter(matches).sort((a, b) => {
		const left = column.key(a), right = column.key(b);
		const way = left < right ? -1 : left > right ? 1 : 0;
		return (sorted.up ? way : -way) || a.rank - b.rank;
	});

	byId("count").textContent = wanted ?
		`${count(list.length)} of ${count(live.length)} match, ${
			size(list.reduce((sum, s) => sum + s.bytes, 0))}` :
		`${count(live.length)} with memory outstanding; click one for its frames`;
	byId("rows").replaceChildren(...list.slice(0, shown).map(row));
	byId("more").replaceChildren();
	if (list.length > shown) {
		const button = element("button", { type: "button" },
			`${count(list.length - shown)} more`);
		button.addEventListener("click", () => {
			shown += 10 * ROWS_AT_ONCE;
			drawTable();
		});
		byId("more").append(button);
	}
	[...byId("heads").children].forEach((head, i) => {
		head.removeAttribute("aria-sort");
		if (i === sorted.column)
			head.setAttribute("aria-sort", sorted.up ? "ascending" :
				"descending");
	});
}

function drawHeads() {
	columns.forEach((column, i) => {
		const head = element("th", { scope: "col", class:
			(column.number ? "number " : "") +
			(column.wide ? "wide" : "") });
		if (column.key) {
			const button = element("button", { type: "button" },
				column.name);
			button.addEventListener("click", () => {
				sorted = { column: i, up: sorted.column === i ?
					!sorted.up : Boolean(column.up) };
				drawTable();
			});
			head.append(button);
		}
		byId("heads").append(head);
	});
}

// The flame graph, roots on top: a tree of what is outstanding by caller.
const measures = [
	["bytes outstanding", s => s.bytes, size],
	["blocks outstanding", s => s.blocks, count],
	["bytes of leaking stacks", s => s.verdict === "leaking" ? s.bytes : 0,
		size],
	["growth", s => Math.max(0, s.rate || 0), rate],
	["bytes ever allocated", s => s.allocated, size],
];
let measure = measures[0], tree = null, zoomed = null;

function child(node, key, name, module, text) {
	let found = node.children.get(key);

	if (!found) {
		found = { name, module, text, value: 0, own: 0, parent: node,
			depth: node.depth + 1, children: new Map() };
		node.children.set(key, found);
	}
	return found;
}

function plant() {
	tree = { name: data.target, module: "", text: "", value: 0, own: 0,
		depth: 0, parent: null, children: new Map() };
	for (const stack of stacks) {
		const value = measure[1](stack);
		let node = tree;
		if (!(value > 0))
			continue;
		tree.value += value;
		if (stack.space !== "heap") {
			node = child(node, `space ${stack.space}`,
				`[${stack.space}]`, "", stack.space);
			node.value += value;
		}
		if (stack.flaw) {
			node = child(node, "incomplete", "[incomplete]", "", "");
			node.value += value;
		}
		for (let i = stack.frames.length - 1; i >= 0; i--) {
			const frame = frames[stack.frames[i]];
			node = child(node, `frame ${frame.name} ${frame.module}`,
				frame.name, frame.module, frame.text);
			node.value += value;
		}
		node.own += value;
	}
	zoomed = tree;
}

function tell(node) {
	const part = tree.value ? 100 * node.value / tree.value : 0;

	byId("status").textContent = `${node.name}${node.module ?
		` [${node.module}]` : ""}: ${measure[2](node.value) || 0}, ${
		part.toFixed(1)}%` + (node.own ? `, ${measure[2](node.own)} of it ` +
		"by itself" : "");
}

function block(node, from, to, width, past) {
	const box = element("div", { title: node.name }, node.name);

	box.style.left = `${(from * width).toFixed(2)}px`;
	box.style.width = `${((to - from) * width).toFixed(2)}px`;
	box.style.top = `${node.depth * ROW}px`;
	box.style.background = colour(node.module || node.name);
	if ((to - from) * width < 24)
		box.textContent = "";
	if (past)
		box.className = "past";
	if (wanted && node.text.includes(wanted))
		box.className += " found";
	box.addEventListener("mouseenter", () => tell(node));
	box.addEventListener("click", () => {
		zoomed = node === zoomed && node.parent ? node.parent : node;
		drawFlame();
		tell(node);
	});
	return box;
}

function drawFlame() {
	const flame = byId("flame");
	const width = Math.max(280, flame.clientWidth || 1000);
	const boxes = [];
	let deepest = 0;
	const lay = (node, from, to) => {
		if ((to - from) * width < 0.7)
			return;
		boxes.push(block(node, from, to, width, false));
		deepest = Math.max(deepest, node.depth);
		let at = from;
		const widest = [...node.children.values()].sort((a, b) =>
			b.value - a.value);
		for (const next of widest) {
			const end = at + (to - from) * next.value / node.value;
			lay(next, at, end);
			at = end;
		}
	};

	for (let above = zoomed.parent; above; above = above.parent)
		boxes.push(block(above, 0, 1, width, true));
	lay(zoomed, 0, 1);
	flame.style.height = `${(deepest + 1) * ROW}px`;
	flame.replaceChildren(...boxes);
	if (!tree.value)
		byId("status").textContent = "nothing of this kind";
}

function start() {
	drawHead();
	drawChart();
	drawAccount();
	drawHeads();
	drawTable();
	measures.forEach(([name], i) =>
		byId("measure").append(element("option", { value: i }, name)));
	byId("measure").addEventListener("change", event => {
		measure = measures[Number(event.target.value)];
		byId("status").textContent = "";
		plant();
		drawFlame();
	});
	byId("reset").addEventListener("click", () => {
		zoomed = tree;
		drawFlame();
	});
	byId("search").addEventListener("input", event => {
		wanted = event.target.value.trim().toLowerCase();
		shown = ROWS_AT_ONCE;
		drawTable();
		drawFlame();
	});
	addEventListener("keydown", event => {
		if (event.key === "Escape") {
			zoomed = tree;
			drawFlame();
		}
	});
	addEventListener("resize", () => {
		drawChart();
		drawFlame();
	});
	plant();
	drawFlame();
}

start();
})();
