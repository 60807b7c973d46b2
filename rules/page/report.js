"use strict";
(() => {
  const words = document.getElementById("filter");
  const level = document.getElementById("level");
  const count = document.getElementById("count");
  if (!words) return;
  const rows = [...document.querySelectorAll("#alerts tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
  const show = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [row, text] of rows) {
      const fits = (!level.value || row.dataset.level === level.value) && wanted.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} / ${rows.length}`;
  };
  words.addEventListener("input", show);
  level.addEventListener("change", show);
  show();
})();
