package io.moetier.cli.option;

import java.lang.reflect.Field;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.OptionSpec;

/// The options in the help of a command, under a heading for each topic; where they are few, without headings.
public final class OptionList implements IHelpSectionRenderer {
    private static final int MOST_WITHOUT_HEADINGS = 9;

    @Override
    public String render(Help help) {
        List<OptionSpec> options = help.commandSpec().options().stream()
                .filter(option -> !option.hidden())
                .sorted(Comparator.comparingInt(OptionList::place))
                .toList();
        if (options.size() <= MOST_WITHOUT_HEADINGS) {
            return help.optionList();
        }
        Map<Topic, List<OptionSpec>> topics = options.stream()
                .collect(Collectors.groupingBy(
                        OptionList::topic, () -> new EnumMap<>(Topic.class), Collectors.toList()));
        return topics.entrySet().stream()
                .map(topic -> "\n" + topic.getKey().heading() + ":\n" + list(help, options, topic.getValue()))
                .collect(Collectors.joining());
    }

    /// All options share the width of the columns.
    private static String list(Help help, List<OptionSpec> all, List<OptionSpec> shown) {
        Help.Layout layout = help.createDefaultLayout(all, List.of(), help.colorScheme());
        layout.addOptions(shown, help.parameterLabelRenderer());
        return layout.toString();
    }

    /// Options with an `order` come first.
    private static int place(OptionSpec option) {
        return option.order() < 0 ? Integer.MAX_VALUE : option.order();
    }

    public static Topic topic(OptionSpec option) {
        return option.userObject() instanceof Field field
                ? Stream.<Function<Class<About>, About>>of(
                                field::getAnnotation, field.getDeclaringClass()::getAnnotation)
                        .flatMap(annotated -> Stream.ofNullable(annotated.apply(About.class)))
                        .map(About::value)
                        .findFirst()
                        .orElse(Topic.OTHER)
                : Topic.OTHER;
    }
}
