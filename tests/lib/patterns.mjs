// Random patterns and texts, and what V8 says of them: patterns.mjs FOLDER SEED writes
// schema/Pattern.json with a property for each pattern, Pattern.ndjson with a row for each text, and
// expected.txt with a line `ROW PROPERTY` for each text that its pattern does not match.
import { mkdirSync, writeFileSync } from 'fs';

const [folder, seed] = [process.argv[2], Number(process.argv[3])];
let state = seed;
const random = () => ((state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >>> 8) / 0x800000;
const pick = list => list[Math.floor(random() * list.length)];
const atoms = ['.', '\\w', '\\W', '\\d', '\\D', '\\s', '\\S', '[ab]', '[^a]', '[]', '[^]', '[^\\W\\p{Ll}]',
    '[\\W\\d]', '[^\\D]', '[.,.]', '[:a:]', '[=a=]', '[\\w-]', '\\p{L}', '[^\\w\\p{Lu}]', '[\\D\\p{N}]', '[.-:]'];
const quantifiers = ['*', '+', '?', '{2}', '{0,2}', '{1,2}', '{2,}', '{0}', '*?', '+?', '??', '{1,3}?'];
const texts = ['', 'a', 'b', 'ab', 'aa', 'ba', 'aab', 'aba', 'abab', 'abc', 'abba', 'é', 'É', 'a5', '_', ' ', '.', ':',
    'Ω', 'bbaab'];

function atom(depth) {
    const kind = random();

    if (depth && kind < 0.3) return '(' + alternatives(depth - 1) + ')';
    if (depth && kind < 0.42) return '(?:' + alternatives(depth - 1) + ')';
    if (kind < 0.55) return '\\' + pick([1, 2, 3]);
    return kind < 0.8 ? pick(['a', 'b']) : pick(atoms);
}

function sequence(depth) {
    let text = '';

    for (let i = Math.floor(random() * 3); i >= 0; i--)
        text += atom(depth) + (random() < 0.4 ? pick(quantifiers) : '');
    return text;
}

function alternatives(depth) {
    let text = sequence(depth);

    while (random() < 0.3) text += '|' + sequence(depth);
    return text;
}

const patterns = [];
while (patterns.length < 400) {
    const source = '^(?:' + alternatives(2) + ')$';

    try {
        patterns.push([source, new RegExp(source, 'u')]);
    } catch {
        continue; // a reference to a group that is not there
    }
}
const properties = Object.fromEntries(patterns.map(([pattern], i) => ['p' + i, { pattern }]));
const expected = [];
const rows = texts.map((text, row) => {
    patterns.forEach(([, regexp], i) => regexp.test(text) || expected.push(`${row + 1} p${i}`));
    return { recordId: 'r' + row, version: 1, fields: Object.fromEntries(patterns.map((_, i) => ['p' + i, text])) };
});
mkdirSync(folder + '/schema', { recursive: true });
writeFileSync(folder + '/schema/Pattern.json', JSON.stringify({ properties }));
writeFileSync(folder + '/Pattern.ndjson', rows.map(row => JSON.stringify(row) + '\n').join(''));
writeFileSync(folder + '/expected.txt', expected.map(line => line + '\n').join(''));
