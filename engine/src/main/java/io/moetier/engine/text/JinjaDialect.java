package io.moetier.engine.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Rewrites the expressions of a template where Jinjava reads them otherwise than Jinja.
///
/// - `namespace(count=items|length - 1)`: Jinjava binds `=` closer than `-`, so values of named arguments get
///   parentheses.
/// - `items[::-1]`: Jinjava has no step, so the reversed sequence is asked for by name.
/// - `not name is defined`, `not a in b`: Jinjava binds `not` closer, so it moves behind the name.
///
/// What Jinjava would pass over in silence is refused: conditions and `else` of `for`.
///
/// Text outside `{{ }}` and `{% %}` stays as it is, but for the last newline, which Jinja drops.
final class JinjaDialect {
    private static final String REVERSED = "[::-1]";
    private static final Pattern NEGATED_TEST =
            Pattern.compile("not\\s+([\\w.]+(?:\\[[^\\[\\]]*])*)\\s+(is|in)\\b(?!\\s+not\\b)");
    private static final Pattern MACRO = Pattern.compile("[-+]?\\s*macro\\b");
    private static final Pattern TAG = Pattern.compile("[-+]?\\s*(end)?(for|if|else)\\b");
    private static final Pattern CONDITION = Pattern.compile("\\sif\\s(?!.*\\selse\\s)");

    private final String template;
    private final StringBuilder out = new StringBuilder();
    private final Deque<String> blocks = new ArrayDeque<>();
    private int position;

    private JinjaDialect(String template) {
        this.template = template;
    }

    /// Returns the template in Jinjava's dialect.
    ///
    /// @throws IllegalArgumentException if there is no way to say it
    static String toJinjava(String template) {
        String text = template.replace("\r\n", "\n");
        JinjaDialect dialect = new JinjaDialect(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
        dialect.rewrite();
        return dialect.out.toString();
    }

    private void rewrite() {
        while (position < template.length()) {
            if (at("{#")) {
                copyThrough("#}");
            } else if (at("{{") || at("{%")) {
                String end = at("{{") ? "}}" : "%}";
                copy(2);
                if (end.equals("%}")) {
                    checkTag();
                }
                if (MACRO.matcher(template).region(position, template.length()).lookingAt()) {
                    copyThrough(end); // defaults of parameters look like named arguments
                } else {
                    expression(end, false);
                }
            } else {
                copy(1);
            }
        }
    }

    private void checkTag() {
        Matcher tag = TAG.matcher(template).region(position, template.length());
        if (!tag.lookingAt()) {
            return;
        }
        if (tag.group(1) != null) {
            blocks.poll();
        } else if (!tag.group(2).equals("else")) {
            blocks.push(tag.group(2));
            int close = template.indexOf("%}", position);
            String rest = close < 0 ? "" : template.substring(tag.end(), close);
            if (tag.group(2).equals("for") && CONDITION.matcher(rest).find()) {
                throw unsupported("a condition in for");
            }
        } else if ("for".equals(blocks.peek())) {
            throw unsupported("else of for");
        }
    }

    private IllegalArgumentException unsupported(String construct) {
        long line =
                template.substring(0, position).chars().filter(c -> c == '\n').count() + 1;
        return new IllegalArgumentException("line " + line + ": " + construct + " is not supported");
    }

    /// Copies up to `end`, which closes a tag or a bracket and is left for the caller.
    ///
    /// @param inCall whether the text is the arguments of a call, in which `name=` begins a named one
    private void expression(String end, boolean inCall) {
        while (position < template.length() && !at(end)) {
            if (inCall && atAssignment()) {
                copy(1);
                out.append('(');
                while (position < template.length() && !at(end) && !at(",")) {
                    token();
                }
                out.append(')');
            } else {
                token();
            }
        }
    }

    private void token() {
        char c = template.charAt(position);
        switch (c) {
            case '\'', '"' -> copyString(c);
            case '(' -> bracket(")", !out.isEmpty() && isName(out.charAt(out.length() - 1)));
            case '[' -> {
                if (at(REVERSED)) {
                    out.append("|reverse|list");
                    position += REVERSED.length();
                } else {
                    bracket("]", false);
                }
            }
            case '{' -> bracket("}", false);
            case 'n' -> word();
            default -> copy(1);
        }
    }

    /// Copies a name or keyword that begins with n, or a negated test.
    private void word() {
        Matcher test = NEGATED_TEST.matcher(template).region(position, template.length());
        boolean begins = out.isEmpty() || !isName(out.charAt(out.length() - 1));
        if (begins && test.lookingAt()) {
            out.append(test.group(1)).append(test.group(2).equals("is") ? " is not" : " not in");
            position = test.end();
        } else {
            copy(1);
        }
    }

    private void bracket(String close, boolean call) {
        copy(1);
        expression(close, call);
        copy(1);
    }

    /// Says whether a single `=` comes, that is, not `==`, `!=`, `<=` or `>=`.
    private boolean atAssignment() {
        return at("=") && !at("==") && "=!<>".indexOf(out.charAt(out.length() - 1)) < 0;
    }

    private void copyString(char quote) {
        copy(1);
        while (position < template.length() && template.charAt(position) != quote) {
            copy(template.charAt(position) == '\\' ? 2 : 1);
        }
        copy(1);
    }

    private void copyThrough(String end) {
        int close = template.indexOf(end, position);
        copy(close < 0 ? template.length() - position : close + end.length() - position);
    }

    private void copy(int count) {
        int end = Math.min(position + count, template.length());
        out.append(template, position, end);
        position = end;
    }

    private boolean at(String text) {
        return template.startsWith(text, position);
    }

    private static boolean isName(char c) {
        return Character.isLetterOrDigit(c) || c == '_';
    }
}
