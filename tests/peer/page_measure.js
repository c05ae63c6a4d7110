// Appended to a copy of a report by report_page.sh, which shows it in a frame as wide as a screen: measures the page as it is
// laid out, and sends what is wrong to the frame's owner as lines "WRONG ...", with "MEASURED width" as the sign that it ran.
(() => {
    const wide = document.documentElement.clientWidth, found = ['MEASURED ' + wide];
    const name = e => e.tagName.toLowerCase() + ' "' + (e.textContent || e.alt || '').trim().slice(0, 40) + '"';
    if (document.documentElement.scrollWidth > wide)
        found.push('WRONG the page is ' + document.documentElement.scrollWidth + ' px wide on a screen of ' + wide);
    for (const e of document.querySelectorAll('body *')) {
        if (e.closest('.scroll') || e.closest('.drawings'))
            continue; // tables scroll by themselves, drawings follow
        const box = e.getBoundingClientRect();
        if (box.width && (box.right > wide + 1 || box.left < -1))
            found.push('WRONG ' + name(e) + ' reaches from ' + box.left + ' to ' + box.right);
        if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX === 'hidden')
            found.push('WRONG ' + name(e) + ' is cut');
    }
    // Texts of each drawing: on the canvas, and none on another.
    for (const drawing of document.querySelectorAll('.drawn')) {
        const canvas = drawing.querySelector('svg').getBoundingClientRect();
        const texts = [...drawing.querySelectorAll('text')].filter(t => t.textContent.trim());
        const boxes = texts.map(t => t.getBoundingClientRect());
        boxes.forEach((a, i) => {
            if (a.left < canvas.left - 1 || a.right > canvas.right + 1 || a.top < canvas.top - 1 || a.bottom > canvas.bottom + 1)
                found.push('WRONG ' + drawing.dataset.name + ': ' + name(texts[i]) + ' leaves the canvas');
            boxes.slice(i + 1).forEach((b, k) => {
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 2 && down > 0.35 * Math.min(a.height, b.height)) // lines of text stand close
                    found.push('WRONG ' + drawing.dataset.name + ': ' + name(texts[i]) + ' lies on ' + name(texts[i + 1 + k]));
            });
        });
    }
    parent.postMessage(found.join('\n'), '*');
})();
