// Draws each chart that the page has an element for, from the JSON in it.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#bf3989', '#0a7ea4', '#6e7781', '#bc4c00'];
  const width = Math.max(320, Math.min(880, document.body.clientWidth - 20));
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

  const numbers = (u, values) => values.map(v => (v === null ? '–' : v.toFixed(1)));
  const draw = {
    entropy: id => bars(id, data.entropy.labels, data.entropy.shares),
    hits: id => lines(id, data.budgets, data.hits, percent),
    speeds: id => lines(id, data.budgets, data.speeds, numbers),
    reuse: id => bars(id, data.reuse.labels, data.reuse.shares),
    heat: counts,
  };
  document.querySelectorAll('.chart[id]').forEach(chart => (draw[chart.id] || tokens)(chart.id));
})();
