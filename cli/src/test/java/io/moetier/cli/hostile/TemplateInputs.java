package io.moetier.cli.hostile;

import io.moetier.storage.format.Json;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Chat templates that loop, grow, recurse, reach for Java or for files, or are no templates.
final class TemplateInputs {
    private static final int NESTED = 20_000;

    private final InputFolder folder;

    private TemplateInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        TemplateInputs inputs = new TemplateInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        time().forEach(this::template);
        memory().forEach(this::template);
        depth().forEach(this::template);
        reaching().forEach(this::template);
        broken().forEach(this::template);
        config("list", List.of(Map.of("name", 5)));
        config("number", 5);
        config("object", Map.of("a", "b"));
        JsonTexts.hostile(Json.write(TextModel.tokenizerConfig())).forEach(this::add);
    }

    private static Map<String, String> time() {
        return Map.of(
                "sound", "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}A:",
                "loops",
                        "{% for i in range(100000) %}{% for j in range(100000) %}{% for k in range(100000) %}{% endfor %}"
                                + "{% endfor %}{% endfor %}x",
                "range", "{% for i in range(2000000000) %}{% endfor %}x",
                "pattern", "{{ ('a' * 30)|regex_replace('(a+)+$', 'b') }}",
                "set-loops",
                        "{% for i in range(1000) %}{% for j in range(1000) %}{% set x = i %}{% endfor %}{% endfor %}{{ x }}");
    }

    private static Map<String, String> memory() {
        Map<String, String> templates = new LinkedHashMap<>();
        templates.put(
                "doubles",
                "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"
                        + "{{ ns.x|length }}");
        templates.put("times", "{{ 'a' * 2000000000 }}");
        templates.put("list-times", "{{ ([1] * 2000000000)|length }}");
        templates.put("center", "{{ 'x'|center(2000000000) }}");
        templates.put("format", "{{ '%2000000000d'|format(1) }}");
        templates.put("ljust", "{{ 'x'.ljust(2000000000)|length }}");
        templates.put("replace", "{{ ('a' * 10000).replace('a', 'b' * 100000)|length }}");
        templates.put("join", "{{ range(1000)|join('x' * 1000000)|length }}");
        templates.put("indent", "{{ ('\\n' * 100000)|indent(100000)|length }}");
        templates.put("text", "x".repeat(10_000_000));
        templates.put("expressions", "{{ messages[0].content }}".repeat(200_000));
        return templates;
    }

    private static Map<String, String> depth() {
        return Map.of(
                "macro", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
                "ifs", "{% if true %}".repeat(NESTED) + "x" + "{% endif %}".repeat(NESTED),
                "brackets", "{{ " + "(".repeat(NESTED) + "1" + ")".repeat(NESTED) + " }}",
                "lists", "{{ " + "[".repeat(NESTED) + "1" + "]".repeat(NESTED) + " }}",
                "nots", "{{ " + "not ".repeat(NESTED) + "1 }}",
                "filters", "{{ 1" + "|string".repeat(NESTED) + " }}");
    }

    private static Map<String, String> reaching() {
        Map<String, String> templates = new LinkedHashMap<>();
        templates.put("class", "{{ ''.class }}");
        templates.put("get-class", "{{ ''.getClass().forName('java.lang.Runtime') }}");
        templates.put("messages-class", "{{ messages.getClass().getName() }}");
        templates.put("python-class", "{{ ''.__class__.__mro__ }}");
        templates.put(
                "function-class",
                "{{ messages[0].class.name }}{{ strftime_now.class }}{{ raise_exception.getClass() }}");
        templates.put("item", "{{ ''['class'] }}{{ messages|map(attribute='class')|list }}");
        templates.put("interpreter", "{{ ____int3rpr3t3r____ }}{{ ____int3rpr3t3r____.getContext() }}");
        templates.put("interpreter-config", "{{ ____int3rpr3t3r____.config }}{{ ____int3rpr3t3r____.context }}");
        templates.put("object-mapper", "{{ ____int3rpr3t3r____.config.objectMapper.readValue('{}', 'java.net.URL') }}");
        templates.put("resource", "{{ ____int3rpr3t3r____.getResource('file:///etc/passwd') }}");
        templates.put("include", "{% include '/etc/passwd' %}");
        templates.put("import", "{% import '../../../../etc/passwd' as x %}{{ x }}");
        templates.put("extends", "{% extends '/etc/passwd' %}");
        templates.put("from", "{% from '/etc/passwd' import x %}{{ x }}");
        return templates;
    }

    private static Map<String, String> broken() {
        Map<String, String> templates = new LinkedHashMap<>();
        templates.put("syntax", "{% for %}{{");
        templates.put("raise", "{{ raise_exception('no \u001b[31msystem') }}");
        templates.put("undefined", "{{ foo.bar.baz }}");
        templates.put("zero", "{{ 1 / 0 }}");
        templates.put("filter", "{{ 'x'|evil }}");
        templates.put("method", "{{ 'x'.evil() }}");
        templates.put("unclosed", "{% if true %}x");
        templates.put("open", "{{".repeat(NESTED));
        templates.put("comment", "{# ");
        templates.put("empty", "");
        return templates;
    }

    private void template(String name, String text) {
        config(name, text);
    }

    private void config(String name, Object template) {
        Map<String, Object> config = TextModel.tokenizerConfig();
        config.put("chat_template", template);
        add("template-" + name, Json.write(config));
    }

    private void add(String name, String text) {
        Path model = TextModel.in(folder, name);
        InputFolder.replace(model, "tokenizer_config.json", text);
        folder.addText(name, model, "Hi");
    }
}
