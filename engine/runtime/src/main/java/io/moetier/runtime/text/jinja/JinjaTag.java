package io.moetier.runtime.text.jinja;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.MissingEndTagException;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.tag.FlexibleTag;
import com.hubspot.jinjava.lib.tag.Tag;
import com.hubspot.jinjava.tree.Node;
import com.hubspot.jinjava.tree.TagNode;
import com.hubspot.jinjava.tree.parse.TagToken;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The tags of a template, beside `else`, `elif` and those that end others.
enum JinjaTag implements Tag, FlexibleTag {
    BREAK(false) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            in.jump(JinjaInterpreter.Jump.BREAK);
            return "";
        }
    },
    CALL(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            return in.getAsString(in.header(tag, JinjaMacro.Call::read).value(in, tag.getChildren()));
        }
    },
    CONTINUE(false) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            in.jump(JinjaInterpreter.Jump.CONTINUE);
            return "";
        }
    },
    FILTER(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            String text = in.render(tag.getChildren(), new JinjaScope(in.scope()));
            return in.getAsString(filtered(text, "|" + tag.getHelpers(), in));
        }
    },
    FOR(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            return in.header(tag, parser -> JinjaFor.read(parser, tag.getChildren()))
                    .render(in);
        }
    },
    /// The bounds of what a model said itself, for training. What is set within is not seen behind.
    GENERATION(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            return in.render(tag.getChildren(), new JinjaScope(in.scope()));
        }
    },
    IF(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            return in.render(chosen(tag, in));
        }
    },
    MACRO(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            JinjaMacro.Header header = in.header(tag, JinjaMacro.Header::read);
            in.scope().set(header.name(), new JinjaMacro(header, tag.getChildren(), in.scope()));
            return "";
        }
    },
    SET(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            in.header(tag, JinjaSet::read).run(in, tag.getChildren());
            return "";
        }
    },
    WITH(true) {
        @Override
        String render(TagNode tag, JinjaInterpreter in) {
            JinjaScope inner = new JinjaScope(in.scope());
            in.header(tag, JinjaTag::assignments).forEach((name, expression) -> inner.set(name, expression.value(in)));
            return in.render(tag.getChildren(), inner);
        }
    };

    /// All that may stand in a tag. Jinjava has more, some of which read files.
    private static final Set<String> NAMES = names();

    private final boolean block;

    JinjaTag(boolean block) {
        this.block = block;
    }

    private static Set<String> names() {
        Set<String> names = new HashSet<>(Set.of("else", "elif"));
        for (JinjaTag tag : values()) {
            names.add(tag.getName());
            names.add("end" + tag.getName());
        }
        return Set.copyOf(names);
    }

    static boolean isKnown(String name) {
        return NAMES.contains(name);
    }

    abstract String render(TagNode tag, JinjaInterpreter in);

    @Override
    public String getName() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public @Nullable String getEndTagName() {
        return block ? "end" + getName() : null;
    }

    @Override
    public boolean hasEndTag(TagToken token) {
        return block && !(this == SET && token.getHelpers().contains("="));
    }

    @Override
    public String interpret(TagNode tag, JinjavaInterpreter in) {
        return render(tag, (JinjaInterpreter) in);
    }

    /// Applies filters to a text.
    static Object filtered(String text, String filters, JinjaInterpreter in) {
        JinjaParser parser = new JinjaParser(filters);
        JinjaExpression expression = parser.filters(ignored -> text);
        parser.end();
        return expression.value(in);
    }

    /// Returns the nodes of an `if` up to the next branch, for the first branch whose condition holds.
    private static List<Node> chosen(TagNode tag, JinjaInterpreter in) {
        in.budget().characters(tag.getChildren().size() * 8L);
        boolean taken = holds(tag, in);
        List<Node> nodes = new ArrayList<>();
        for (Node node : tag.getChildren()) {
            if (isBranch(node)) {
                if (taken) {
                    break;
                }
                taken = node.getName().equals("else") || holds((TagNode) node, in);
            } else if (taken) {
                nodes.add(node);
            }
        }
        return nodes;
    }

    static boolean isBranch(Node node) {
        return node instanceof TagNode tag
                && (tag.getName().equals("else") || tag.getName().equals("elif"));
    }

    private static boolean holds(TagNode tag, JinjaInterpreter in) {
        return PythonValues.isTrue(in.resolveELExpression(tag.getHelpers(), tag.getLineNumber()));
    }

    private static Map<String, JinjaExpression> assignments(JinjaParser parser) {
        Map<String, JinjaExpression> assignments = new LinkedHashMap<>();
        while (!parser.atEnd()) {
            if (!assignments.isEmpty()) {
                parser.expect(",");
            }
            String name = parser.name();
            parser.expect("=");
            assignments.put(name, parser.expression());
        }
        return assignments;
    }

    /// Says in a sentence what Jinjava found wrong with the tags.
    static String explain(TemplateError error) {
        return error.getException() instanceof MissingEndTagException missing
                ? "a tag has no '" + missing.getEndTag() + "'"
                : "a tag ends, or goes on, what does not begin before it";
    }
}
