/**
 * What the page can do more where scripts run: copying, filtering while one types, opening a row by a click anywhere in it.
 * Small, without events in attributes; it makes text and elements, never HTML.
 */
export const script = `'use strict';
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const status = document.getElementById('status');
  const copyText = async (text) => {
    // The API is there on HTTPS and loopback alone; most registries inside are neither.
    if (navigator.clipboard) {
      try { await navigator.clipboard.writeText(text); return true; } catch {}
    }
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  };
  const addButtons = (within) => {
    for (const source of all('[data-copy]:not([data-ready])', within)) {
      source.dataset.ready = '';
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      button.setAttribute('aria-label', 'Copy ' + source.dataset.copy);
      button.addEventListener('click', async () => {
        const done = await copyText(source.textContent);
        button.focus();
        button.textContent = done ? 'Copied' : 'Press Ctrl+C';
        if (!done) getSelection().selectAllChildren(source);
        if (status) status.textContent = done ? 'Copied ' + source.dataset.copy : '';
        setTimeout(() => { button.textContent = 'Copy'; }, 2000);
      });
      source.after(button);
    }
  };
  document.documentElement.classList.add('scripted');
  for (const element of all('[data-buttons]')) addButtons(element);
  document.addEventListener('toggle', (event) => {
    if (event.target.open) addButtons(event.target);
  }, true);
  document.addEventListener('click', (event) => {
    if (event.target.closest('a, button, summary, .more') || !getSelection().isCollapsed) return;
    const details = event.target.closest('tbody.image')?.querySelector('details');
    if (details) details.open = !details.open;
  });
  const box = document.getElementById('q');
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || !box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, textarea')) return;
    event.preventDefault();
    box.select();
  });
  const table = document.querySelector('table[data-whole]');
  if (!box || !table) return;
  const rows = all('tbody.image', table);
  const count = document.getElementById('count');
  const none = document.getElementById('none');
  const filter = () => {
    const terms = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      row.hidden = !terms.every((term) => row.dataset.words.includes(term));
      if (!row.hidden) shown += 1;
    }
    count.textContent = terms.length ? shown + ' of ' + rows.length + (rows.length === 1 ? ' image' : ' images') : '';
    none.hidden = shown > 0;
    table.hidden = shown === 0;
    const url = new URL(location.href);
    if (terms.length) url.searchParams.set('q', box.value.trim()); else url.searchParams.delete('q');
    history.replaceState(null, '', url);
  };
  let waiting;
  box.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(filter, 60); });
  box.form.addEventListener('submit', (event) => { event.preventDefault(); filter(); });
})();
`;
