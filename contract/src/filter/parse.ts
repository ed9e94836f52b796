/**
 * Reads a device filter. The grammar stands in docs/formats/device-filter.md; terms side by side must all hold, `and` may
 * stand between them, `or` binds weaker, `not` stronger. Bounds: 1024 characters, 32 terms, 16 levels.
 */
import { FilterError } from './errors.ts';
import { choicesOf, type FieldRef, isGroupName, isNamedField, isPlainField, operatorsOf, typeOf } from './fields.ts';
import { isMatch } from './match.ts';
import { malformed, Scanner } from './scan.ts';
import { type Comparison, type Condition, type Filter, type Pattern } from './syntax.ts';
import { parseFilterVersion, parseNumber, parseTime } from './values.ts';

const TERMS_MAX = 32;
const LEVELS_MAX = 16;

const OPEN = /\(/y;
const CLOSE = /\)/y;
const COLON = /:/y;
const WORD = /[^ ()]+/y;
const OPERATOR = /:|<=|>=|<|>/y;
const FIELD = /[A-Za-z]+/y;
const DOT = /\./y;
const KEY = /[A-Za-z0-9_.-]{1,128}/y;
const QUOTE = /"/y;
/** What may follow a term or a closing bracket. */
const BREAK = /$|[ )]/y;
/** Where a row of terms ends. */
const ROW_END = /$|\)|or(?=[ ()]|$)/y;
const AND = /and(?=[ ()]|$)/y;
const OR = /or(?=[ ()]|$)/y;
const NOT = /not(?=[ ()]|$)/y;

const A_TERM = 'a term, such as model:primehub, version<1.4.0 or has:line';

class FilterReader {
  readonly #scanner: Scanner;
  #terms = 0;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  read(): Filter {
    const scanner = this.#scanner;
    scanner.skipSpaces();
    if (scanner.isAtEnd) return { kind: 'and', all: [] };
    const filter = this.#readAny(0);
    if (!scanner.isAtEnd) throw malformed(scanner.at, 'a ( for this bracket', ')');
    return filter;
  }

  #readAny(level: number): Filter {
    const all = [this.#readAll(level)];
    while (this.#scanner.take(OR) !== undefined) all.push(this.#readAll(level));
    return all.length === 1 && all[0] !== undefined ? all[0] : { kind: 'or', all };
  }

  #readAll(level: number): Filter {
    const scanner = this.#scanner;
    const all = [this.#readOne(level)];
    for (;;) {
      scanner.skipSpaces();
      if (scanner.isBefore(ROW_END)) break;
      scanner.take(AND);
      all.push(this.#readOne(level));
    }
    return all.length === 1 && all[0] !== undefined ? all[0] : { kind: 'and', all };
  }

  #readOne(level: number): Filter {
    const scanner = this.#scanner;
    scanner.skipSpaces();
    if (level > LEVELS_MAX) {
      throw new FilterError('FILTER_TOO_LARGE', { at: scanner.at, expected: `at most ${LEVELS_MAX} levels` });
    }
    if (scanner.take(NOT) !== undefined) return { kind: 'not', filter: this.#readOne(level + 1) };
    const isBracket = scanner.take(OPEN) !== undefined;
    const filter = isBracket ? this.#readAny(level + 1) : this.#readTerm();
    if (isBracket && scanner.take(CLOSE) === undefined) throw malformed(scanner.at, ')');
    if (!scanner.isBefore(BREAK)) throw malformed(scanner.at, 'a space', scanner.peekWord());
    return filter;
  }

  #readTerm(): Filter {
    const scanner = this.#scanner;
    const { at } = scanner;
    if (++this.#terms > TERMS_MAX)
      throw new FilterError('FILTER_TOO_LARGE', { at, expected: `at most ${TERMS_MAX} terms` });
    const word = scanner.peekWord();
    const field = scanner.take(FIELD)?.[0] ?? '';
    if (field === 'has' || field === 'group') {
      if (scanner.take(COLON) === undefined) throw malformed(scanner.at, ':', word);
      return field === 'has' ? { kind: 'has', of: this.#readField() } : this.#readGroup();
    }
    const of = this.#completeField(field, at, word);
    const operator = scanner.take(OPERATOR)?.[0];
    if (operator === undefined) throw malformed(at, `${operatorsOf(of).join(' ')} behind ${of.field}`, word);
    return this.#readCondition(of, operator);
  }

  #readField(): FieldRef {
    const { at } = this.#scanner;
    const word = this.#scanner.peekWord();
    return this.#completeField(this.#scanner.take(FIELD)?.[0] ?? '', at, word);
  }

  #completeField(field: string, at: number, word: string): FieldRef {
    if (isPlainField(field)) return { field };
    if (!isNamedField(field)) throw malformed(at, A_TERM, word);
    const scanner = this.#scanner;
    const isDot = scanner.take(DOT) !== undefined;
    const key = scanner.isBefore(QUOTE) ? scanner.takeQuoted() : scanner.take(KEY)?.[0];
    if (!isDot || key === undefined || key === '') throw malformed(at, `${field}.NAME`, word);
    return { field, key };
  }

  #readGroup(): Filter {
    const { at } = this.#scanner;
    const name = this.#scanner.peekWord();
    if (!isGroupName(name)) throw malformed(at, 'the name of a group', name);
    this.#scanner.take(WORD);
    return { kind: 'group', name };
  }

  #readCondition(of: FieldRef, operator: string): Condition {
    const { at } = this.#scanner;
    const type = typeOf(of);
    if (!operatorsOf(of).includes(operator)) {
      throw malformed(at - operator.length, `${operatorsOf(of).join(' ')} behind ${of.field}`, operator);
    }
    if (type === 'number')
      return {
        kind: 'number',
        comparison: operator as Comparison,
        value: this.#readWord(parseNumber, 'a whole number'),
      };
    if (type === 'time') {
      const time = this.#readWord(parseTime, 'a time, such as now-7d, 2026-01-31 or 2026-01-31T10:00:00Z');
      return { kind: 'time', field: of.field as 'lastSeen', comparison: operator as Comparison, time };
    }
    if (operator === ':') return { kind: 'match', of, pattern: this.#readPattern(of) };
    const version = this.#readWord(parseFilterVersion, 'a version, such as 1.4.0, 1.4 or 2.0.0-rc.1');
    return { kind: 'version', comparison: operator as Comparison, version };
  }

  #readWord<T>(parse: (text: string) => T | undefined, expected: string): T {
    const { at } = this.#scanner;
    const word = this.#scanner.peekWord();
    const value = parse(word);
    if (value === undefined) throw malformed(at, expected, word);
    this.#scanner.take(WORD);
    return value;
  }

  #readPattern(of: FieldRef): Pattern {
    const scanner = this.#scanner;
    const { at } = scanner;
    const word = scanner.peekWord();
    const pattern: Pattern = scanner.isBefore(QUOTE)
      ? { text: scanner.takeQuoted(), isOpenStart: false, isOpenEnd: false }
      : scanner.takeBare();
    const choices = choicesOf(of);
    if (choices !== undefined && !choices.some((choice) => isMatch(pattern, choice))) {
      throw malformed(at, choices.join(' '), word);
    }
    return pattern;
  }
}

/**
 * Reads a filter; the empty filter matches every device.
 * @throws FilterError FILTER_MALFORMED, FILTER_TOO_LARGE; with the position and what was expected there
 */
export function parseFilter(text: string): Filter {
  return new FilterReader(new Scanner(text)).read();
}
