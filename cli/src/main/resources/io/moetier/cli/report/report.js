// Draws each chart that the page has an element for, from the JSON in it.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#bf3989', '#0a7ea4', '#6e7781', '#bc4c00'];
  const padding = parseFloat(getComputedStyle(document.body).paddingLeft);
  const width = Math.max(240, Math.min(880, document.body.clientWidth - 2 * padding));
  const percent = (u, values) => values.map(v => (v === null ? '–' : (100 * v).toFixed(1) + ' %'));

  // Lines over budgets, in shares of all experts.
  function lines(id, x, series, format) {
    const axis = { values: format, size: 70 };
    new uPlot({
      width, height: 340,
      scales: { x: { time: false }, y: { range: (u, min, max) => [0, max > 0 ? max * 1.05 : 1] } },
      axes: [{ values: percent }, axis],
      series: [{ label: 'budget', value: (u, v) => percent(u, [v])[0] }].concat(series.map((s, i) => ({
        label: s.name,
        stroke: s.ceiling ? '#000' : colours[i % colours.length],
        dash: s.ceiling ? [6, 4] : undefined,
        width: 2,
        value: (u, v) => format(u, [v])[0],
        points: { show: true, size: 6 },
      }))),
    }, [x].concat(series.map(s => s.values)), document.getElementById(id));
  }

  // Bars, one for each label.
  function bars(id, labels, values) {
    new uPlot({
      width, height: 300,
      legend: { show: false },
      scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (u, min, max) => [0, max * 1.05 || 1] } },
      axes: [
        { splits: () => labels.map((_, i) => i), values: () => labels, grid: { show: false } },
        { values: percent, size: 70 },
      ],
      series: [{}, { label: 'share', fill: colours[0], stroke: colours[0], paths: uPlot.paths.bars({ size: [0.8] }), points: { show: false } }],
    }, [labels.map((_, i) => i), values], document.getElementById(id));
  }

  // One cell for each expert in each row, darker the larger its value; `left` pixels are for the rows' labels.
  function heatMap(id, rows, labels, left, describe) {
    const columns = rows[0].length;
    const cell = Math.max(3, Math.min(22, Math.floor((width - left - 10) / columns)));
    const top = 20;
    const canvas = document.createElement('canvas');
    const scale = window.devicePixelRatio || 1;
    canvas.width = (left + columns * cell) * scale;
    canvas.height = (top + rows.length * cell) * scale;
    canvas.style.width = canvas.width / scale + 'px';
    canvas.style.height = canvas.height / scale + 'px';
    const pen = canvas.getContext('2d');
    pen.scale(scale, scale);
    pen.font = '11px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    const most = Math.max(...rows.map(row => Math.max(...row)));
    rows.forEach((row, r) => {
      const every = Math.ceil(12 / cell);
      pen.fillStyle = '#1b1f24';
      if (r % every === 0) pen.fillText(labels[r], 20, top + (r + 0.5) * cell, left - 24);
      row.forEach((value, c) => {
        pen.fillStyle = `hsl(214 80% ${96 - 66 * (most ? value / most : 0)}%)`;
        pen.fillRect(left + c * cell, top + r * cell, cell, cell);
      });
    });
    pen.fillStyle = '#1b1f24';
    for (let c = 0; c < columns; c += Math.ceil(30 / cell)) pen.fillText(String(c), left + c * cell, 10);
    canvas.addEventListener('mousemove', event => {
      const c = Math.floor((event.offsetX - left) / cell);
      const r = Math.floor((event.offsetY - top) / cell);
      canvas.title = rows[r] && rows[r][c] !== undefined && c >= 0 ? describe(r, c) : '';
    });
    document.getElementById(id).append(canvas);
  }

  // How often each expert of each layer is chosen.
  function counts(id) {
    heatMap(id, data.counts, data.layers.map(String), 50, (r, c) =>
      `layer ${data.layers[r]}, expert ${c}: ${(100 * data.counts[r][c] / data.tokens).toFixed(1)} % of tokens`);
  }

  // What each expert of a layer is to each token, or to what else has a row.
  function tokens(id) {
    const heat = data.heats[id];
    const isOfTokens = heat.first !== undefined;
    const label = r => isOfTokens ? `${heat.first + r} ${heat.labels[r]}` : heat.labels[r];
    const name = c => heat.shared && c === heat.rows[0].length - 1 ? 'shared expert' : `expert ${c}`;
    heatMap(id, heat.rows, heat.labels.map((_, r) => label(r)), 130, (r, c) =>
      `${isOfTokens ? 'token ' : ''}${label(r)}, ${name(c)}: ${heat.percent ? (100 * heat.rows[r][c]).toFixed(1) + ' %' : heat.rows[r][c].toFixed(3)}`);
  }

  // A pen on a canvas as wide as the page.
  function sheet(id, height) {
    const canvas = document.createElement('canvas');
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
    const pen = canvas.getContext('2d');
    pen.scale(scale, scale);
    pen.font = '11px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    document.getElementById(id).append(canvas);
    return { canvas, pen };
  }

  // Values over numbers, a line for each series.
  function curves(id, chart) {
    const format = chart.percent ? percent : numbers;
    new uPlot({
      width, height: 300,
      scales: { x: { time: false, distr: chart.logarithmic ? 3 : 1 }, y: { range: (u, min, max) => [0, max > 0 ? max * 1.05 : 1] } },
      axes: [{ label: chart.label, labelSize: 20 }, { values: format, size: 70 }],
      series: [{ label: chart.label }].concat(chart.series.map((s, i) => ({
        label: s.name,
        stroke: s.dashed ? '#000' : colours[i % colours.length],
        dash: s.dashed ? [6, 4] : undefined,
        width: chart.x.length > 100 ? 1 : 2,
        spanGaps: true,
        value: (u, v) => format(u, [v])[0],
        points: { show: chart.x.length < 30, size: 6 },
      }))),
    }, [chart.x].concat(chart.series.map(s => chart.x.map((_, i) => s.values[i] ?? null))), document.getElementById(id));
  }

  // Operations a second over operations a byte, both logarithmic, under the roof of memory and arithmetic.
  function roofline(id, chart) {
    const ridge = chart.operations / chart.bytes;
    const all = chart.points.map(p => p.intensity).concat([ridge / 30, ridge, ridge * 10]);
    const x = [...new Set(all)].sort((a, b) => a - b);
    const roof = x.map(i => Math.min(chart.operations, i * chart.bytes) / 1e9);
    const giga = (u, values) => values.map(v => (v === null ? '–' : +v.toPrecision(3) + ''));
    new uPlot({
      width, height: 360,
      scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
      axes: [{ label: 'operations a byte', labelSize: 20, values: giga }, { label: '10⁹ operations/s', size: 70, values: giga }],
      series: [{ label: 'operations a byte', value: (u, v) => giga(u, [v])[0] }, { label: 'roof', stroke: '#000', width: 2, points: { show: false }, value: (u, v) => giga(u, [v])[0] }]
        .concat(chart.points.map((p, i) => ({
          label: p.name, stroke: colours[i % colours.length], paths: () => null, value: (u, v) => giga(u, [v])[0],
          points: { show: true, size: 10, fill: colours[i % colours.length] },
        }))),
    }, [x, roof].concat(chart.points.map(p => x.map(i => (i === p.intensity ? p.rate / 1e9 : null)))), document.getElementById(id));
  }

  // Rows of spans over time, in milliseconds.
  function spans(id, chart) {
    const left = Math.min(110, width / 3), top = 18, row = 26;
    const { canvas, pen } = sheet(id, top + chart.rows.length * row + 4);
    const scale = (width - left - 8) / chart.end;
    pen.fillStyle = '#1b1f24';
    for (let i = 0; i <= 4; i += width < 500 ? 4 : 1) {
      pen.textAlign = i === 4 ? 'right' : 'left';
      pen.fillText((chart.end * i / 4).toFixed(2) + ' ms', left + chart.end * i / 4 * scale, 8);
    }
    pen.textAlign = 'left';
    chart.rows.forEach((name, r) => pen.fillText(name, 0, top + (r + 0.5) * row, left - 6));
    chart.spans.forEach(s => {
      pen.fillStyle = colours[chart.names.indexOf(s.name) % colours.length];
      pen.fillRect(left + s.start * scale, top + s.row * row + 3, Math.max(0.5, (s.end - s.start) * scale), row - 6);
    });
    canvas.addEventListener('mousemove', event => {
      const at = (event.offsetX - left) / scale;
      const r = Math.floor((event.offsetY - top) / row);
      const hit = chart.spans.find(s => s.row === r && s.start <= at && at <= s.end);
      canvas.title = hit ? `${hit.text}: ${(1000 * (hit.end - hit.start)).toFixed(0)} µs` : '';
    });
    legend(id, chart.names);
  }

  // One bar for each row, of parts one behind another.
  function stacks(id, chart) {
    const left = Math.min(110, width / 3), row = 34;
    const { canvas, pen } = sheet(id, chart.rows.length * row);
    const sums = chart.rows.map(r => r.values.reduce((a, b) => a + b, 0));
    const scale = (width - left - 8) / Math.max(...sums, 1e-12);
    const texts = [];
    chart.rows.forEach((r, at) => {
      pen.fillStyle = '#1b1f24';
      pen.fillText(r.name, 0, (at + 0.5) * row, left - 6);
      let x = left;
      r.values.forEach((value, part) => {
        pen.fillStyle = colours[part % colours.length];
        pen.fillRect(x, at * row + 4, value * scale, row - 8);
        texts.push({ at, from: x, to: x + value * scale, text: `${r.name}, ${chart.names[part]}: ${r.texts[part]}` });
        x += value * scale;
      });
    });
    canvas.addEventListener('mousemove', event => {
      const r = Math.floor(event.offsetY / row);
      const hit = texts.find(t => t.at === r && t.from <= event.offsetX && event.offsetX <= t.to);
      canvas.title = hit ? hit.text : '';
    });
    legend(id, chart.names);
  }

  function legend(id, names) {
    const line = document.createElement('p');
    line.className = 'legend';
    names.forEach((name, i) => {
      const mark = document.createElement('span');
      mark.textContent = '■ ';
      mark.style.color = colours[i % colours.length];
      const text = document.createElement('span');
      text.textContent = name + '   ';
      line.append(mark, text);
    });
    document.getElementById(id).append(line);
  }

  const numbers = (u, values) => values.map(v => (v === null ? '–' : v.toFixed(1)));
  const draw = {
    entropy: id => bars(id, data.entropy.labels, data.entropy.shares),
    hits: id => lines(id, data.budgets, data.hits, percent),
    speeds: id => lines(id, data.budgets, data.speeds, numbers),
    reuse: id => bars(id, data.reuse.labels, data.reuse.shares),
    heat: counts,
  };
  const kinds = { curves, roofline, spans, stacks, bars: (id, chart) => bars(id, chart.labels, chart.values) };
  document.querySelectorAll('.chart[id]').forEach(({ id }) => {
    const chart = data.charts && data.charts[id];
    if (chart) kinds[chart.kind](id, chart);
    else (draw[id] || tokens)(id);
  });
})();
