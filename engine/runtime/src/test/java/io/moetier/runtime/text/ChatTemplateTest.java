package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.runtime.image.Picture;
import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-08-05T14:07:09Z"), ZoneOffset.UTC);
    private static final String TOKENS = "\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"}";
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hello"));

    @TempDir
    Path directory;

    /// Every template with every conversation, against what Jinja2 itself makes of it.
    @TestFactory
    Stream<DynamicTest> rendersAsJinja() throws IOException {
        JsonObject expected =
                Json.parseObject(resource("expected.json").getBytes(StandardCharsets.UTF_8), Path.of("expected.json"));
        return expected.requireObjects("cases").stream()
                .map(reference -> DynamicTest.dynamicTest(
                        reference.requireString("template") + ", " + reference.requireString("name"),
                        () -> assertRendersAs(reference)));
    }

    /// Constructs of Jinja one by one, against what Jinja2 itself makes of them, or that it refuses them too.
    @TestFactory
    Stream<DynamicTest> readsConstructsAsJinja() throws IOException {
        JsonObject expected = Json.parseObject(
                resource("constructs.json").getBytes(StandardCharsets.UTF_8), Path.of("constructs.json"));
        List<ChatMessage> messages = messages(expected);
        return expected.requireObjects("cases").stream()
                .map(construct -> DynamicTest.dynamicTest(
                        construct.requireString("template"), () -> assertReads(construct, messages)));
    }

    private void assertReads(JsonObject construct, List<ChatMessage> messages) throws IOException {
        config("\"add_bos_token\":true");
        Path file = Files.writeString(directory.resolve("chat_template.jinja"), construct.requireString("template"));
        if (construct.has("expected")) {
            assertEquals(construct.requireString("expected"), find().render(messages, true));
        } else {
            String message =
                    String.valueOf(assertThrows(MalformedModelException.class, () -> find().render(messages, true))
                            .getMessage());
            assertTrue(message.startsWith(file + ": the chat template "), message);
            assertEquals(1, message.lines().count(), message);
        }
    }

    private static List<ChatMessage> messages(JsonObject holder) {
        return holder.requireObjects("messages").stream()
                .map(message -> new ChatMessage(message.requireString("role"), message.requireString("content")))
                .toList();
    }

    private void assertRendersAs(JsonObject reference) throws IOException {
        Files.writeString(directory.resolve("tokenizer_config.json"), "{" + TOKENS + "}");
        Path file = Files.writeString(
                directory.resolve("chat_template.jinja"), resource(reference.requireString("template") + ".jinja"));
        List<ChatMessage> messages = messages(reference);
        boolean addGenerationPrompt =
                reference.optionalBoolean("add_generation_prompt").orElseThrow();
        Map<String, Object> variables = new HashMap<>();
        reference.requireObject("variables").asMap().forEach((key, value) -> {
            if (value != null) {
                variables.put(key, value);
            }
        });
        ChatTemplate template = ChatTemplate.find(directory, CLOCK).orElseThrow();
        if (reference.has("refusal")) {
            MalformedModelException refusal = assertThrows(
                    MalformedModelException.class, () -> template.render(messages, addGenerationPrompt, variables));
            assertEquals(
                    file + ": the chat template refuses the conversation: " + reference.requireString("refusal"),
                    refusal.getMessage());
        } else {
            assertEquals(
                    reference.requireString("expected"), template.render(messages, addGenerationPrompt, variables));
        }
    }

    /// As templates of the hub ask for them, in either way.
    @Test
    void picturesArePartsOfAMessage() throws IOException {
        List<Picture> pictures = List.of(Picture.of("p", 1, 1, new byte[3]), Picture.of("q", 1, 1, new byte[3]));
        List<ChatMessage> messages = List.of(
                ChatMessage.showing("user", "a <image> b<image>", pictures),
                ChatMessage.showing("user", "c", pictures.subList(0, 1)),
                new ChatMessage("user", "no <image>"));
        Files.writeString(directory.resolve("chat_template.jinja"), """
                {%- set count = namespace(value=0) -%}
                {%- macro part(item) -%}
                    {%- if 'image' in item or 'image_url' in item or item.type == 'image' -%}
                        {%- set count.value = count.value + 1 -%}
                        {{- '<' ~ count.value ~ '>' -}}
                    {%- elif item['type'] == 'text' -%}
                        {{- item['text'] | trim -}}
                    {%- endif -%}
                {%- endmacro -%}
                {%- for m in messages -%}
                    {%- if m['content'] is string -%}
                        {{- m['content'] -}}
                    {%- elif m.content is iterable and m.content is not mapping -%}
                        {%- for item in m['content'] -%}{{- part(item) -}}{%- endfor -%}
                    {%- endif -%}
                    {{- ';' -}}
                {%- endfor -%}
                """);
        assertEquals("a<1>b<2>;<3>c;no <image>;", find().render(messages, true));
    }

    @Test
    void membersOfMessagesHaveAnOrder() throws IOException {
        config("\"chat_template\":\"{% for m in messages %}{{ m }}{{ m | tojson }}{% endfor %}\"");
        List<Picture> one = List.of(Picture.of("p", 1, 1, new byte[3]));
        List<ChatMessage> messages = List.of(ChatMessage.showing("user", "a", one), new ChatMessage("assistant", "b"));
        assertEquals(
                "{'role': 'user', 'content': [{'type': 'image'}, {'type': 'text', 'text': 'a'}]}"
                        + "{\"role\": \"user\", \"content\": [{\"type\": \"image\"}, "
                        + "{\"type\": \"text\", \"text\": \"a\"}]}"
                        + "{'role': 'assistant', 'content': 'b'}{\"role\": \"assistant\", \"content\": \"b\"}",
                find().render(messages, false));
    }

    /// transformers passes all of them, by the names of the config, and lets what is said go first.
    @Test
    void everySpecialTokenIsFoundByItsName() throws IOException {
        config("\"unk_token\":\"<unk>\",\"pad_token\":{\"content\":\"<pad>\"},\"sep_token\":\"<sep>\","
                + "\"cls_token\":\"<cls>\",\"mask_token\":null,\"additional_special_tokens\":[\"<x>\",{\"content\":\"<y>\"}],"
                + "\"chat_template\":\"{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ pad_token }}{{ sep_token }}"
                + "{{ cls_token }}{{ mask_token is defined }}{{ additional_special_tokens | join }}\"");
        assertEquals("<s></s><unk><pad><sep><cls>False<x><y>", render());
        assertEquals("<s></s><unk>?<sep><cls>False<x><y>", find().render(HELLO, false, Map.of("pad_token", "?")));
    }

    @Test
    void readsTheTemplateInTheConfig() throws IOException {
        config("\"chat_template\":\"{{ bos_token }}{{ messages[0].content }}{{ eos_token }}\"");
        assertEquals("<s>Hello</s>", render());
    }

    @Test
    void takesTheDefaultOfNamedTemplates() throws IOException {
        config(
                "\"chat_template\":[{\"name\":\"rag\",\"template\":\"no\"},{\"name\":\"default\",\"template\":\"yes\"}]");
        assertEquals("yes", render());
        Path file = config("\"chat_template\":[{\"name\":\"rag\",\"template\":\"no\"}]");
        assertEquals(file + ": chat_template: expected a template named default, found only others", messageOfRender());
    }

    @Test
    void aFileOfItsOwnGoesFirst() throws IOException {
        config("\"chat_template\":\"config\"");
        Path json = directory.resolve("chat_template.json");
        Files.writeString(json, "{\"chat_template\":\"{{ bos_token }}json\"}");
        assertEquals("<s>json", render());
        Files.writeString(directory.resolve("chat_template.jinja"), "file");
        assertEquals("file", render());
    }

    @Test
    void aJsonFileOfItsOwnNeedsNoConfigAndMayHoldNoTemplate() throws IOException {
        Path json = directory.resolve("chat_template.json");
        Files.writeString(json, "{\"chat_template\":\"json\"}");
        assertEquals("json", render());
        Files.writeString(json, "{\"chat_template\":5}");
        assertTrue(messageOfRender().startsWith(json + ": chat_template: "), messageOfRender());
        Files.writeString(json, "{}");
        config("\"chat_template\":\"config\"");
        assertEquals("config", render());
    }

    @Test
    void aModelMayHaveNoTemplate() throws IOException {
        assertEquals(Optional.empty(), ChatTemplate.find(directory, CLOCK));
        config("\"add_bos_token\":true");
        assertEquals(Optional.empty(), ChatTemplate.find(directory, CLOCK));
    }

    @Test
    void namesFileAndLineOfAnError() throws IOException {
        Path file = directory.resolve("chat_template.jinja");
        Map<String, String> faults = Map.ofEntries(
                Map.entry("a\n{{ messages[ }}", "'{{' has no end"),
                Map.entry("a\n{% if 1 %}", "a tag has no 'endif'"),
                Map.entry("a\n{% else %}", "'else' is not within what it belongs to"),
                Map.entry("a\n{% endif %}", "a tag ends, or goes on, what does not begin before it"),
                Map.entry("a\n{% unknown %}", "unknown tag 'unknown'"),
                Map.entry("a\n{% include 'x' %}", "unknown tag 'include'"),
                Map.entry("a\n{{ 'x'.frobnicate() }}", "strings have no method 'frobnicate'"),
                Map.entry("a\n{{ 'x'|frobnicate }}", "unknown filter 'frobnicate'"),
                Map.entry("a\n{{ 'x' is frobnicate }}", "unknown test 'frobnicate'"),
                Map.entry("a\n{{ frobnicate('x') }}", "unknown function 'frobnicate'"),
                Map.entry("a\n{{ missing.field }}", "cannot take 'field' of a value that is undefined"),
                Map.entry("a\n{{ 1 / 0 }}", "a number is divided by zero, or is beyond 64 bits"),
                Map.entry("{#\n#}{{ 1 }} \n  {%- if 1 -%}\n{{ ( }}{% endif %}", "'{{' has no end"));
        faults.forEach((template, fault) -> {
            try {
                Files.writeString(file, template);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            long line = template.lines().count();
            assertEquals(
                    file + ": the chat template cannot be rendered: line " + line + ": " + fault, messageOfRender());
        });
    }

    @Test
    void linesKeepTheirNumbersWhereBlanksAreDropped() throws IOException {
        Path file = directory.resolve("chat_template.jinja");
        Files.writeString(
                file,
                "{# one\ntwo #}\n\n{%- if true -%}\n\n  {% set x = [1,\n 2] %}\n\n  {%- endif %}\n{{ nosuch() }}\n");
        assertEquals(
                file + ": the chat template cannot be rendered: line 10: unknown function 'nosuch'", messageOfRender());
    }

    /// transformers passes both to every template.
    @Test
    void toolsAndDocumentsAreDefinedAndNone() throws IOException {
        config("\"chat_template\":\"{% for each in [tools, documents] %}{{ each is defined }} {{ each is none }} "
                + "{{ each }};{% endfor %}\"");
        assertEquals("True True None;True True None;", render());
        assertEquals(
                "True False 1;True True None;",
                find().render(HELLO, false, Map.of("tools", 1)),
                "what is said goes first");
    }

    /// By Python's str.isspace.
    @Test
    void blanksOfAllScriptsAreStripped() throws IOException {
        config(
                "\"chat_template\":\"[{{ messages[0].content | trim }}|{{ messages[0].content.split() | join('+') }}]\"");
        String blanks = " \u1680\u2000\u2007\u200A\u2028\u202F\u205F\u3000\u0085\u00A0";
        String said = blanks + "\u4F60" + blanks + "\u597D\u200B" + blanks; // but the last is none
        assertEquals(
                "[\u4F60" + blanks + "\u597D\u200B|\u4F60+\u597D\u200B]",
                find().render(List.of(new ChatMessage("user", said)), false));
    }

    @Test
    void whatIsSaidIsNeverATemplate() throws IOException {
        config("\"chat_template\":\"{{ messages[0].content }}\"");
        String said = "{{ 1 + 1 }} {% raise %} {# gone? #}\n";
        assertEquals(said, find().render(List.of(new ChatMessage("user", said)), false));
    }

    private Path config(String members) throws IOException {
        return Files.writeString(directory.resolve("tokenizer_config.json"), "{" + TOKENS + "," + members + "}");
    }

    private ChatTemplate find() {
        return ChatTemplate.find(directory, CLOCK).orElseThrow();
    }

    private String render() {
        return find().render(HELLO, false);
    }

    private String messageOfRender() {
        return String.valueOf(assertThrows(MalformedModelException.class, this::render, () -> "rendered " + render())
                .getMessage());
    }

    static String resource(String name) throws IOException {
        try (InputStream in =
                Objects.requireNonNull(ChatTemplateTest.class.getResourceAsStream("chat/" + name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
