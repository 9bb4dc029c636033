package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates that want too much, or what they must not have. The timeout only ends a test that hangs: what ends a
/// template is the budget, which counts steps.
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ChatTemplateBoundsTest {
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hi"));
    private static final String TOO_MUCH = "the template takes more steps, or makes longer texts, than are allowed";
    private static final String TOO_DEEP = "the template nests more than 100 levels deep";
    private static final String GROWS = "{% set n = namespace(x=[], y=[]) %}{% for i in range(60) %}"
            + "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}";

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
                "{% for i in range(2000000000) %}{% endfor %}",
                "{% set n = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
                "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
                "{% set l = [1] %}{% for i in range(60) %}{% set _ = l.extend(l) %}{% endfor %}",
                "{% macro a(n) %}{% if n > 0 %}{{ a(n-1) }}{{ a(n-1) }}{% endif %}{% endmacro %}{{ a(30) }}",
                "{{ 'a' * 2000000000 }}",
                "{{ 'a' * 9223372036854775807 }}",
                "{{ [1] * 2000000000 }}",
                "{{ 'x'|center(2000000000) }}",
                "{{ 'x'.ljust(9000000000000000000)|length }}",
                "{{ 'x'.zfill(100000000000) }}",
                "{{ '%2000000000d'|format(1) }}",
                "{{ '%0999999999999999999d' % 1 }}",
                "{{ '{:2000000000d}'.format(1) }}",
                "{{ ('a' * 10000).replace('a', 'b' * 100000)|length }}",
                "{{ ('a' * 10000).replace('', 'b' * 100000)|length }}",
                "{{ ('a' * 1000000).join(range(100000)) }}",
                "{{ ('a\n' * 100000)|indent(1000000)|length }}",
                "{{ [1]|tojson(indent=2000000000) }}",
                "{{ [1]|batch(2000000000, 'x') }}",
                "{{ [1]|slice(2000000000) }}",
                "{{ ('a' * 1000000).find('a' * 500000 + 'b') }}",
                "{{ ('a' * 1000000) in ('a' * 2000000) }}",
                "{{ ('a' * 1000000).split('a' * 5000 + 'b') }}",
                "{{ ('a' * 1000000).strip('b' * 1000000 + 'a') }}",
                "{{ range(300000)|map('string')|map('center', 1000)|list }}",
                "{% set s = 'a' * 3000000 %}{% for i in range(1000000) %}{{ s[-1] }}{{ s|length }}{% endfor %}",
                "{% set l = range(100000) %}{% for i in range(1000000) %}{{ l|sort|length }}{% endfor %}"
            })
    void endsWhatWantsTooMuch(String template) throws IOException {
        assertEquals(TOO_MUCH, fault(template));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{{ n.x }}", "{{ n.x|tojson }}", "{{ n.x == n.y }}", "{{ n.x < n.y }}", "{{ n.x in [n.y] }}"})
    void endsWhatIsLargeByRepetition(String use) throws IOException {
        assertEquals(TOO_MUCH, fault(GROWS + use));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
                "{% macro a() %}{{ caller() }}{% endmacro %}"
                        + "{% macro b() %}{% call a() %}{{ b() }}{% endcall %}{% endmacro %}{{ b() }}",
                "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
                "{% set l = [] %}{% set _ = l.append(l) %}{{ l|tojson }}",
                "{% set l = [] %}{% set m = [l] %}{% set _ = l.append(m) %}{{ l == m }}",
                "{% set d = {} %}{% set _ = d.update({'a': d}) %}{{ d }}"
            })
    void endsWhatNestsWithoutEnd(String template) throws IOException {
        assertEquals(TOO_DEEP, fault(template));
    }

    static List<String> longTemplates() {
        return List.of(
                "{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}",
                "{{ " + "[".repeat(20_000) + "]".repeat(20_000) + " }}",
                "{{ " + "-".repeat(100_001) + "1 }}",
                "{{ " + "not ".repeat(50_000) + "1 }}",
                "{{ " + "1+".repeat(100_000) + "1 }}",
                "{{ x" + ".a".repeat(100_000) + " }}",
                "{{ 'x'" + "|upper".repeat(30_000) + " }}",
                "{{ 1" + " if 1 else 1".repeat(20_000) + " }}",
                "{% if 1 %}".repeat(12_000) + "{% endif %}".repeat(12_000),
                "{% for x in [1] %}".repeat(10_000),
                "{% endif %}".repeat(20_000),
                "{{".repeat(100_000),
                "{%- ".repeat(60_000),
                "{#".repeat(100_000),
                "{% raw %}" + "{% ".repeat(80_000),
                "{% raw %}{%" + " ".repeat(200_000),
                "{{ '" + "\\\\".repeat(100_000),
                "{% macro " + "a".repeat(200_000) + " %}{% endmacro %}",
                "{{ 'x'|" + "y".repeat(200_000) + " }}",
                "x".repeat(10_000_000),
                "{{ messages[0].content }}".repeat(200_000),
                "{% for i in range(1000000) %}" + "x".repeat(200_000) + "{% endfor %}",
                "{% for i in range(1000000) %}{% raw %}" + "x".repeat(200_000) + "{% endraw %}{% endfor %}",
                "{% for i in range(1000000) %}{% if false %}" + "{{x}}".repeat(40_000) + "{% endif %}{% endfor %}",
                "{% for i in range(1000000) %}{% set x = [" + "1,".repeat(100_000) + "] %}{% endfor %}");
    }

    @ParameterizedTest
    @MethodSource("longTemplates")
    void refusesLongTemplatesInOneSentence(String template) throws IOException {
        String fault = fault(template);
        assertTrue(fault.length() < 400, fault);
        assertEquals(1, fault.lines().count(), fault);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ''.class }}",
                "{{ messages.class }}{{ messages[0].class }}",
                "{{ strftime_now.class }}{{ range.call }}",
                "{{ ''['class'] }}{{ ''.bytes }}{{ ''.__class__ }}",
                "{{ ____int3rpr3t3r____ }}{{ messages['____int3rpr3t3r____'] }}",
                "{{ messages['filter:upper'] }}{{ messages['exptest:odd'] }}",
                "{{ messages|attr('class') }}{{ messages[0]|attr('class') }}",
                "{{ messages|map(attribute='class')|join }}{{ messages|map(attribute='____int3rpr3t3r____')|join }}",
                "{{ messages|selectattr('class')|join }}"
            })
    void nothingOfJavaCanBeRead(String template) throws IOException {
        assertEquals("", render(template));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ''.getClass() }}",
                "{{ messages.getClass().getName() }}",
                "{{ messages[0].getClass() }}",
                "{{ raise_exception.getClass() }}",
                "{{ ____int3rpr3t3r____.getContext() }}",
                "{{ ____int3rpr3t3r____.config.objectMapper }}",
                "{{ ''.__class__.__mro__ }}",
                "{{ range.call(1) }}",
                "{{ 'x'|regex_replace('(a+)+$', 'b') }}",
                "{{ 'x'|fromjson }}",
                "{{ type('x') }}",
                "{% include '/etc/passwd' %}",
                "{% import '/etc/passwd' as x %}",
                "{% from '/etc/passwd' import x %}",
                "{% extends '/etc/passwd' %}",
                "{% do messages %}"
            })
    void nothingOfJavaCanBeCalled(String template) throws IOException {
        fault(template);
    }

    @Test
    void aConversationThatFillsALargeContextFits() throws IOException {
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            messages.add(
                    new ChatMessage(i % 2 == 0 ? "user" : "assistant", "<think>\n\n</think>" + "word ".repeat(160)));
        }
        Path qwen3 = directory.resolve("chat_template.jinja");
        Files.writeString(qwen3, ChatTemplateTest.resource("qwen3.jinja"));
        String text = template().render(messages, true);
        assertTrue(text.length() > 4_000_000, () -> text.length() + " characters");
    }

    @Test
    void aTemplateThatIsNoTextIsRefusedInWords() throws IOException {
        Path file = Files.write(directory.resolve("chat_template.jinja"), new byte[] {'{', '{', (byte) 0xff});
        assertEquals(
                file + ": cannot be read: not UTF-8 text",
                assertThrows(MalformedModelException.class, this::template).getMessage());
    }

    private ChatTemplate template() {
        return ChatTemplate.find(directory, Clock.systemUTC()).orElseThrow();
    }

    private String render(String template) throws IOException {
        Files.writeString(directory.resolve("chat_template.jinja"), template);
        return template().render(HELLO, true);
    }

    /// Returns what is wrong with a template, behind the file and the line.
    private String fault(String template) throws IOException {
        Path file = Files.writeString(directory.resolve("chat_template.jinja"), template);
        String message = String.valueOf(
                assertThrows(MalformedModelException.class, () -> template().render(HELLO, true))
                        .getMessage());
        String begin = file + ": the chat template cannot be rendered: ";
        assertTrue(message.startsWith(begin), message);
        return message.substring(begin.length()).replaceFirst("^line \\d+: ", "");
    }
}
