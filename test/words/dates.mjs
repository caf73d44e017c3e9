// Writes the names of months and days and the patterns of dates into the words
// of the mails (pkg/email/words), from CLDR: `make dates`. English and Spanish
// are kept as they are, with the abbreviations that U.S. agencies use. Haitian
// Creole is by hand, because CLDR repeats French for it.
import { readFileSync, writeFileSync, readdirSync } from 'node:fs';

const [cldr, words] = process.argv.slice(2);
const names = { 'zh-hans': 'zh-Hans', 'zh-hant': 'zh-Hant' };

// arrange turns a CLDR pattern into ours.
function arrange(pattern, fields) {
  // A narrow no-break space is a box on old phones.
  return pattern.replace(/\u202f/g, ' ').replace(/'([^']*)'|([A-Za-z])\2*/g, (all, text, letter) => {
    if (text !== undefined) return text;
    if (!(letter in fields)) throw new Error(`the pattern ${pattern} has ${all}`);
    return fields[letter];
  });
}

for (const file of readdirSync(words).filter((f) => f.endsWith('.json'))) {
  const tag = file.slice(0, -5);
  if (tag === 'en' || tag === 'es' || tag === 'ht') continue;
  const { dates } = JSON.parse(readFileSync(`${cldr}/main/${names[tag] ?? tag}/ca-gregorian.json`)).main[names[tag] ?? tag];
  const gregorian = dates.calendars.gregorian;
  const time = gregorian.timeFormats.short;
  const clock = arrange(typeof time === 'string' ? time : time._value, { H: '{hour24}', h: '{hour}', m: '{minute}', a: '{half}', B: '{half}' });
  // Where the pattern has the month as a number, its sign is in the short name.
  const numbered = /M[月월]/.test(gregorian.dateFormats.full);
  const date = arrange(gregorian.dateFormats.full.replace(/M[月월]/, 'MMMM'), { E: '{weekday}', M: '{month}', d: '{day}', y: '{year}' });
  const path = `${words}/${file}`;
  const all = {
    months: Object.values(gregorian.months.format[numbered ? 'abbreviated' : 'wide']),
    days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].map((day) => gregorian.days.format.wide[day]),
    am: gregorian.dayPeriods.format.abbreviated.am,
    pm: gregorian.dayPeriods.format.abbreviated.pm,
    clock,
    date: `${date}${/[぀-鿿가-힣]/.test(date) ? ' ' : tag === 'ar' || tag === 'fa' ? '، ' : ', '}{clock}`,
  };
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path)), ...all }, null, 2) + '\n');
}
