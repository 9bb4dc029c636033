package io.moetier.runtime.text.jinja;

/// Rewrites a template so that Jinjava cuts it into the same texts, expressions and tags as Jinja does.
///
/// Jinjava drops blanks before a tag in the middle of a line, and ends an expression at the braces of two dicts. So the
/// blanks are dropped here, by the rules of `trim_blocks`, `lstrip_blocks` and the signs in tags; comments go; braces
/// within an expression are set apart; and text with a brace becomes a string. Newlines that are dropped return within
/// the next tag, so that lines keep their numbers. The time is linear in the length.
final class JinjaDialect {
    private final String template;
    private final StringBuilder out = new StringBuilder();
    private int position;
    private int droppedLines;

    private JinjaDialect(String template) {
        this.template = template;
    }

    /// Returns the template in Jinjava's dialect.
    ///
    /// @throws JinjaException if a tag, an expression or a comment has no end, or a tag is unknown
    static String toJinjava(String template) {
        String text = template.replace("\r\n", "\n").replace('\r', '\n');
        JinjaDialect dialect = new JinjaDialect(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        dialect.rewrite();
        return dialect.out.toString();
    }

    private void rewrite() {
        for (int begin = begin(position); begin < template.length(); begin = begin(position)) {
            char kind = template.charAt(begin + 1);
            char sign = charAt(begin + 2);
            boolean signed = sign == '-' || sign == '+';
            text(begin, kind, sign);
            position = begin + (signed ? 3 : 2);
            switch (kind) {
                case '#' -> comment(begin);
                case '%' -> tag(begin);
                default -> code(begin, "}}");
            }
        }
        emit(template.substring(position));
    }

    /// Returns where the next tag, expression or comment begins, or the end.
    private int begin(int from) {
        for (int at = template.indexOf('{', from); at >= 0; at = template.indexOf('{', at + 1)) {
            if (at + 1 < template.length() && "{%#".indexOf(template.charAt(at + 1)) >= 0) {
                return at;
            }
        }
        return template.length();
    }

    /// Writes the text up to `end` without the blanks that what begins there drops.
    private void text(int end, char kind, char sign) {
        int keep = end;
        if (sign == '-') {
            while (keep > position && PythonStrings.isBlank(template.charAt(keep - 1))) {
                keep--;
            }
        } else if (sign != '+' && kind != '{') {
            keep = lineStart(end);
        }
        emit(template.substring(position, keep));
        drop(keep, end);
    }

    /// Returns where the line begins that ends at `end`, or `end` if it is not blank.
    private int lineStart(int end) {
        int at = end;
        while (at > position && template.charAt(at - 1) != '\n' && PythonStrings.isBlank(template.charAt(at - 1))) {
            at--;
        }
        boolean starts = at == 0 || template.charAt(at - 1) == '\n';
        return starts ? at : end;
    }

    private void drop(int from, int to) {
        for (int i = from; i < to; i++) {
            droppedLines += template.charAt(i) == '\n' ? 1 : 0;
        }
    }

    private void emit(String text) {
        if (text.indexOf('{') < 0) {
            out.append(text);
        } else {
            out.append("{{ '")
                    .append(text.replace("\\", "\\\\").replace("'", "\\'"))
                    .append("' }}");
        }
    }

    private void comment(int begin) {
        int end = template.indexOf("#}", position);
        if (end < 0) {
            throw new JinjaException("a comment has no end", line(begin));
        }
        int from = position;
        drop(from, end);
        position = end + 2;
        dropBehind(end > from ? template.charAt(end - 1) : ' ', true);
    }

    private void tag(int begin) {
        int word = afterBlanks(position);
        int end = afterBlanks(word + 3);
        boolean signed = charAt(end) == '-';
        if (template.startsWith("raw", word) && template.startsWith("%}", signed ? end + 1 : end)) {
            position = end + (signed ? 3 : 2);
            dropBehind(signed ? '-' : '+', false);
            raw(begin);
        } else {
            checkName(word, begin);
            code(begin, "%}");
        }
    }

    private void checkName(int from, int begin) {
        int end = from;
        while (Character.isUnicodeIdentifierPart(charAt(end)) && charAt(end) != '\0') {
            end++;
        }
        String name = template.substring(from, end);
        if (!JinjaTag.isKnown(name)) {
            throw new JinjaException("unknown tag '" + name + "'", line(begin));
        }
    }

    /// Writes what stands up to `endraw` as text.
    private void raw(int begin) {
        for (int at = template.indexOf("{%", position); at >= 0; at = template.indexOf("{%", at + 2)) {
            boolean signed = charAt(at + 2) == '-' || charAt(at + 2) == '+';
            int word = afterBlanks(at + (signed ? 3 : 2));
            int end = afterBlanks(word + 6);
            boolean signedEnd = charAt(end) == '-' || charAt(end) == '+';
            if (template.startsWith("endraw", word) && template.startsWith("%}", signedEnd ? end + 1 : end)) {
                text(at, '%', charAt(at + 2));
                drop(at, end);
                position = end + (signedEnd ? 3 : 2);
                dropBehind(charAt(end), true);
                return;
            }
        }
        throw new JinjaException("raw has no end", line(begin));
    }

    /// Writes a tag or an expression up to `end`.
    private void code(int begin, String end) {
        out.append(template, begin, begin + 2).append(' ').repeat('\n', droppedLines);
        droppedLines = 0;
        int depth = 0;
        while (position < template.length()) {
            char c = template.charAt(position);
            boolean signed = c == '-' || (c == '+' && end.equals("%}"));
            if (depth == 0 && template.startsWith(end, signed ? position + 1 : position)) {
                out.append(' ').append(end);
                position += signed ? 3 : 2;
                dropBehind(c, end.equals("%}"));
                return;
            }
            depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            symbol(c);
        }
        throw new JinjaException("'" + template.substring(begin, begin + 2) + "' has no end", line(begin));
    }

    private void symbol(char c) {
        int from = position++;
        if (c == '\'' || c == '"') {
            while (position < template.length() && template.charAt(position) != c) {
                position += template.charAt(position) == '\\' ? 2 : 1;
            }
            position = Math.min(position + 1, template.length());
        }
        out.append(template, from, position).append(c == '}' || c == '{' ? " " : "");
    }

    /// Drops the blanks behind an end with a sign, or the newline behind one without.
    private void dropBehind(char sign, boolean newline) {
        int from = position;
        if (sign == '-') {
            position = afterBlanks(position);
        } else if (sign != '+' && newline && charAt(position) == '\n') {
            position++;
        }
        drop(from, position);
    }

    private int afterBlanks(int from) {
        int at = Math.min(from, template.length());
        while (at < template.length() && PythonStrings.isBlank(template.charAt(at))) {
            at++;
        }
        return at;
    }

    private char charAt(int index) {
        return index < template.length() ? template.charAt(index) : '\0';
    }

    private int line(int at) {
        return 1
                + (int) template.substring(0, at).chars().filter(c -> c == '\n').count();
    }
}
