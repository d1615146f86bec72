/* Draws the charts of a report in the reader's browser. Runs as a plain script after Chart.js; makes no request. */
/* global Chart, document, window, matchMedia */
(() => {
  const specs = JSON.parse(document.getElementById('chart-specs').textContent);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const charts = [];

  const colour = (name) =>
    window.getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const ofSeries = (series) =>
    colour(series.colour === 'muted' ? 'muted' : `series-${(series.colour % 6) + 1}`);

  const short = (value) =>
    value.toLocaleString('en-GB', { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 });
  const units = {
    perSecond: (value) => short(value),
    ms: (value) => (Math.abs(value) >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`),
    percent: (value) => `${short(value)} %`,
    times: (value) => `${value.toLocaleString('en-GB', { maximumFractionDigits: 2 })} ×`,
  };

  /** From the least to the most value, along a line. */
  const band = {
    id: 'band',
    beforeDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      chart.data.datasets.forEach((dataset, index) => {
        if (!dataset.range || dataset.type !== 'line' || !chart.isDatasetVisible(index)) return;
        const points = chart.getDatasetMeta(index).data.map(({ x }, i) => ({ x, range: dataset.range[i] }));
        const known = points.filter(({ range }) => range);
        ctx.save();
        ctx.beginPath();
        for (const { x, range } of known) ctx.lineTo(x, scales.y.getPixelForValue(range[0]));
        for (const { x, range } of known.reverse()) ctx.lineTo(x, scales.y.getPixelForValue(range[1]));
        ctx.globalAlpha = 0.22;
        ctx.fillStyle = dataset.borderColor;
        ctx.fill();
        ctx.restore();
      });
    },
  };

  /** Lines from the least to the most value over a bar. */
  const whiskers = {
    id: 'whiskers',
    afterDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      chart.data.datasets.forEach((dataset, index) => {
        if (!dataset.range || dataset.type === 'line' || !chart.isDatasetVisible(index)) return;
        ctx.save();
        ctx.strokeStyle = colour('text');
        ctx.lineWidth = 1.5;
        chart.getDatasetMeta(index).data.forEach((bar, i) => {
          const range = dataset.range[i];
          if (!range || range[0] === range[1]) return;
          const [low, high] = range.map((value) => scales.y.getPixelForValue(value));
          ctx.beginPath();
          ctx.moveTo(bar.x, low);
          ctx.lineTo(bar.x, high);
          for (const y of [low, high]) {
            ctx.moveTo(bar.x - 5, y);
            ctx.lineTo(bar.x + 5, y);
          }
          ctx.stroke();
        });
        ctx.restore();
      });
    },
  };

  function dataset(spec, series) {
    const shade = ofSeries(series);
    const common = { label: series.label, data: series.values, borderColor: shade, backgroundColor: shade };
    if (series.line || spec.kind === 'line') {
      const points = series.values.map((y, i) => ({ x: Number(spec.labels[i]), y }));
      return {
        ...common,
        ...(spec.kind === 'line' && { data: points, range: series.range }),
        type: 'line',
        order: 0,
        borderWidth: series.line ? 1.5 : 2,
        borderDash: series.line ? [5, 4] : [],
        pointRadius: series.line || series.values.length > 60 ? 0 : 2,
        pointHoverRadius: 4,
        tension: 0,
        spanGaps: false,
      };
    }
    return {
      ...common,
      order: 1,
      range: series.range,
      borderRadius: 3,
      maxBarThickness: 64,
      minBarLength: 2,
    };
  }

  function options(spec) {
    const say = units[spec.unit];
    const text = colour('soft');
    const grid = { color: colour('grid'), tickColor: 'transparent' };
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: still.matches ? false : { duration: 250 },
      interaction: { mode: 'index', intersect: false },
      font: { family: 'system-ui, sans-serif' },
      scales: {
        x: {
          ...(spec.kind === 'line' && { type: 'linear' }),
          grid: { display: false },
          border: { color: colour('grid') },
          ticks: { color: text, maxRotation: 0, autoSkipPadding: 16, precision: 0 },
          title: { display: true, text: spec.xTitle, color: text },
        },
        y: {
          beginAtZero: true,
          ...(spec.yMax === undefined ? {} : { max: spec.yMax }),
          suggestedMax: Math.max(
            ...spec.series.flatMap(({ range }) => (range ?? []).map((ends) => ends?.[1] ?? 0)),
            0,
          ),
          grid,
          border: { display: false },
          ticks: { color: text, callback: (value) => say(value), maxTicksLimit: 6 },
        },
      },
      plugins: {
        legend: {
          display: spec.series.length > 1,
          position: 'bottom',
          labels: {
            color: colour('text'),
            boxWidth: 12,
            boxHeight: 12,
            padding: 14,
            pointStyleWidth: 12,
            usePointStyle: spec.series.some(({ line }) => line),
            pointStyle: 'rect',
          },
        },
        tooltip: {
          callbacks: {
            title: ([item]) => `${spec.xTitle}: ${item.label}`,
            label: ({ dataset: { label, range }, parsed: { y }, dataIndex }) => {
              const limits = range?.[dataIndex];
              return `${label}: ${say(y)}${limits ? ` (${say(limits[0])} – ${say(limits[1])})` : ''}`;
            },
          },
        },
      },
    };
  }

  function draw() {
    for (const chart of charts.splice(0)) chart.destroy();
    for (const spec of specs) {
      const canvas = document.getElementById(`chart-${spec.id}`);
      charts.push(
        new Chart(canvas, {
          type: spec.kind,
          data: { labels: spec.labels, datasets: spec.series.map((series) => dataset(spec, series)) },
          options: options(spec),
          plugins: [band, whiskers],
        }),
      );
    }
    document.documentElement.dataset.charts = String(charts.length);
  }

  draw();
  dark.addEventListener('change', draw);
})();
