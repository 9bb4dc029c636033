package io.moetier.cli.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.option.SamplingOptions;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.chat.Transcript;
import io.moetier.runtime.image.Picture;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.text.ChatMessage;
import io.moetier.storage.format.Json;
import io.moetier.testdata.TestData;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.DumbTerminal;
import org.jline.terminal.impl.LineDisciplineTerminal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

@Timeout(600)
class PromptLoopTest {
    private static final String ESCAPE = "\u001b";
    private static final String UP = ESCAPE + "[A";
    private static final String CTRL_D = "\u0004";

    private final List<String> asked = new ArrayList<>();
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream() {
        @Override
        public void flush() {
            if (terminal != null
                    && !interruptedBehind.isEmpty()
                    && screen().replace("\r", "").endsWith(interruptedBehind)) {
                interruptedBehind = "";
                terminal.raise(Terminal.Signal.INT);
            }
        }
    };

    @TempDir
    Path directory = Path.of("");

    private @Nullable Terminal terminal;
    private int resets;
    private boolean stats;
    private boolean remembers = true;
    private boolean blind;
    private List<Picture> firstShown = List.of();
    private InputStream pending = InputStream.nullInputStream();
    private Transcript transcript = Transcript.EMPTY;
    private String interruptedBehind = "";
    private String screenBeforeTyping = "";
    private String screenAfterTyping = "";
    private final List<Attributes> stopped = new ArrayList<>();
    private final SamplingOptions sampling = CommandLine.populateCommand(new SamplingOptions());

    @Test
    void asksLineByLineUntilTheInputEnds() throws IOException {
        type("one\n\n  \ntwo words\n");
        assertEquals(List.of("one", "two words"), asked);
        assertTrue(screen().contains("answer to two words"), screen());
    }

    @Test
    void leavesWhenTold() throws IOException {
        type("one\n/bye\ntwo\n");
        assertEquals(List.of("one"), asked);
    }

    @Test
    void aBackslashGoesOnInTheNextLine() throws IOException {
        type("one\\\ntwo\\\nthree\nfour\n");
        assertEquals(List.of("one\ntwo\nthree", "four"), asked);
    }

    @Test
    void threeQuotesHoldSeveralLines() throws IOException {
        type("\"\"\"one\n\n/bye\"\"\"\n\"\"\"\ntwo\n\"\"\"\n\"\"\"three\"\"\"\n");
        assertEquals(List.of("one\n\n/bye", "two", "three"), asked);
    }

    @Test
    void proseIsLeftAsItIs() throws IOException {
        String prose = "Don't \"quote\" !important c:\\temp $HOME 'open";
        type(prose + "\n");
        assertEquals(List.of(prose), asked);
    }

    @Test
    void commandsAreNotAsked() throws IOException {
        type("/help\n/stats\n/clear\n/clea\n/sytem Be brief.\n/etc/hosts\n/clear it\n\"\"\"/bye\"\"\"\n");
        assertEquals(List.of("/etc/hosts", "/bye"), asked);
        assertEquals(1, resets);
        assertTrue(screen().contains("Ctrl-C              stops the answer"), screen());
        assertTrue(screen().contains("7 tokens/s"), screen());
        assertTrue(screen().contains("moetier: no such command: /clea; /help lists them\n"), screen());
        assertTrue(screen().contains("moetier: no such command: /sytem; /help lists them\n"), screen());
        assertTrue(screen().contains("moetier: /clear takes nothing, found 'it'\n"), screen());
    }

    @Test
    void interruptStopsTheAnswerAndNotTheLoop() throws IOException {
        type("interrupt\nagain\n");
        assertEquals(List.of("interrupt", "again"), asked);
        assertTrue(screen().contains("cancelled"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    /// Where Ctrl-C comes with the last line feed of an answer.
    @Test
    void interruptJustAfterAnAnswerDoesNotLeave() throws IOException {
        List<Terminal.Signal> left = new ArrayList<>();
        interruptedBehind = "figures in a line\n";
        try (LineDisciplineTerminal pty = keys()) {
            pty.handle(Terminal.Signal.INT, left::add);
            pty.processInputBytes(("one\nagain\n" + CTRL_D).getBytes(StandardCharsets.UTF_8));
            loop(pty).run();
        }
        assertEquals("", interruptedBehind, screen());
        assertEquals(List.of(), left);
        assertEquals(List.of("one", "again"), asked);
    }

    @Test
    void aFailureIsSaidAndTheLoopGoesOn() throws IOException {
        type("fail\nagain\n");
        assertTrue(screen().contains("moetier: the context is full"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    @Test
    void anAnswerWithoutMemoryIsSaidAndTheLoopGoesOn() throws IOException {
        type("too much\nagain\n");
        assertTrue(screen().contains("moetier: out of memory"), screen());
        assertTrue(screen().contains("answer to again"), screen());
    }

    @Test
    void figuresFollowEveryAnswerAndNoFailure() throws IOException {
        type("one\nfail\ntwo\n");
        assertEquals(3, screen().split("figures in a line", -1).length);
        stats = true;
        type("three\n");
        assertEquals(2, screen().split("7 tokens/s", -1).length);
    }

    @Test
    void controlCharactersOfAnswersAndFailuresAreShown() throws IOException {
        type("clear\nfail with\n");
        assertTrue(screen().contains("\\x1b]0;title\\x07\\x9b2J\n\ttwo"), screen());
        assertTrue(screen().contains("moetier: the template says \\x1b[2J"), screen());
        assertEquals(-1, screen().indexOf("\u001b"));
    }

    @Test
    void remembersWhatWasTyped() throws IOException {
        type("one\ntwo\n");
        assertEquals(2, Files.readAllLines(history()).size());
    }

    @Test
    void remembersWholeTexts() throws IOException {
        type("\"\"\"one\n\ntwo\"\"\"\nthree\\\nfour\n");
        assertEquals(2, Files.readAllLines(history()).size());
        typeKeys(UP + "\r" + UP + UP + UP + "\r" + CTRL_D); // in another process, too; the third goes up a line
        assertEquals(List.of("one\n\ntwo", "three\nfour", "three\nfour", "one\n\ntwo"), asked);
    }

    @Test
    void linesThatArePastedEndAsTheyDidWhereTheyWereCopied() throws IOException {
        String keys = ESCAPE + "[200~one\r\n\r\ntwo\rthree" + ESCAPE + "[201~\r" + CTRL_D;
        try (LineDisciplineTerminal pty = keys()) {
            pty.enterRawMode(); // as while it is read
            pty.processInputBytes(keys.getBytes(StandardCharsets.UTF_8));
            loop(pty).run();
        }
        assertEquals(List.of("one\n\ntwo\nthree"), asked);
    }

    @Test
    void backslashesWithinWhatIsPastedStay() throws IOException {
        typeKeys(ESCAPE + "[200~run \\\n  this" + ESCAPE + "[201~\r" + CTRL_D);
        assertEquals(List.of("run \\\n  this"), asked);
    }

    @Test
    void tabCompletesCommands() throws IOException {
        typeKeys("/cl\t\r/set repeat-l\t7\r" + CTRL_D);
        assertEquals(1, resets);
        assertEquals(7, sampling.repeatLastN);
    }

    @Test
    void whatIsTypedDuringAnAnswerIsTheNextPrompt() throws IOException {
        typeKeys("think\r");
        assertEquals(List.of("think", "typed ahead"), asked);
        assertFalse(screenAfterTyping.substring(screenBeforeTyping.length()).contains("typed"), screenAfterTyping);
        assertTrue(screen().contains(">>> typed ahead"), screen());
    }

    @Test
    void theTerminalIsGivenBackAsItWas() throws IOException {
        try (LineDisciplineTerminal keys = keys()) {
            Attributes before = keys.getAttributes();
            keys.processInputBytes("one\rstop\rfail\r\u0004".getBytes(StandardCharsets.UTF_8));
            loop(keys).run(() -> stopped.add(keys.getAttributes()));
            assertEquals(before.toString(), keys.getAttributes().toString());
            assertEquals(
                    List.of(before.toString()),
                    stopped.stream().map(Attributes::toString).toList());
        }
    }

    @Test
    void theTerminalIsGivenBackWhenTheLoopBreaks() throws IOException {
        try (LineDisciplineTerminal keys = keys()) {
            Attributes before = keys.getAttributes();
            keys.processInputBytes("break\r".getBytes(StandardCharsets.UTF_8));
            assertThrows(AssertionError.class, () -> loop(keys).run());
            assertEquals(before.toString(), keys.getAttributes().toString());
        }
    }

    @Test
    void whatIsSuspendedGoesOnQuietly() throws IOException {
        try (LineDisciplineTerminal keys = keys()) {
            keys.processInputBytes("stop\rthink\r".getBytes(StandardCharsets.UTF_8));
            loop(keys).run(() -> {});
            assertEquals(List.of("stop", "think", "typed ahead"), asked);
            assertFalse(screenAfterTyping.substring(screenBeforeTyping.length()).contains("typed"), screenAfterTyping);
        }
    }

    @Test
    void whatWasTypedBeforeASuspensionIsTheNextPrompt() throws IOException {
        try (LineDisciplineTerminal keys = keys()) {
            pending = new ByteArrayInputStream("né".getBytes(StandardCharsets.UTF_8));
            keys.processInputBytes("stop\rxt\r\u0004".getBytes(StandardCharsets.UTF_8));
            loop(keys).run(() -> assertEquals(0, pending()));
            assertEquals(List.of("stop", "néxt"), asked);
        }
    }

    private int pending() {
        try {
            return pending.available();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void settingsAreShownAndChanged() throws IOException {
        type("/set\n/set temp 0.25\n/set n 12\n/set --stop one two\n/set seed -1\n");
        assertEquals(0.25, sampling.temperature);
        assertEquals(12, sampling.predict);
        assertEquals(List.of("one two"), sampling.stops);
        assertTrue(screen().contains("temp            0.8\n"), screen());
        assertTrue(screen().contains("temp            0.25\n"), screen());
        assertTrue(screen().contains("stop            none\n"), screen());
        assertTrue(screen().contains("predict         default\n"), screen());
        type("/set temp default\n/set stop default\n/set top-k\n");
        assertEquals(0.8, sampling.temperature);
        assertEquals(List.of(), sampling.stops);
        assertTrue(screen().contains("top-k           40\n"), screen());
    }

    /// A file of that name would be removed only by who quotes it.
    @Test
    void aTildeAloneIsTheHomeFolderAndNoFile() throws IOException {
        type("one\n/save ~\n/load ~\n");
        assertTrue(
                screen().contains("moetier: /save: expected a file, found the directory " + directory + "\n"),
                screen());
        assertTrue(screen().contains("moetier: " + directory + ": expected a file, found a directory"), screen());
    }

    @Test
    void wrongSettingsAreSaidAndChangeNothing() throws IOException {
        String before = new SamplingSettings(sampling).table();
        type(
                "/set tmp 1\n/set temp warm\n/set temp -1\n/set temp 2d\n/set top-k 1.5\n/set n many\n/set stop \n/set ignore-eos si\n/set temp\n");
        assertEquals(before, new SamplingSettings(sampling).table());
        assertTrue(screen().contains("moetier: no such setting: tmp; expected one of predict, temp, top-k"), screen());
        assertTrue(screen().contains("moetier: temp: expected a number or default, found 'warm'\n"), screen());
        assertTrue(screen().contains("moetier: --temp: expected 0 or more, found -1.0\n"), screen());
        assertTrue(screen().contains("moetier: temp: expected a number or default, found '2d'\n"), screen());
        assertTrue(screen().contains("moetier: top-k: expected an integer or default, found '1.5'\n"), screen());
        assertTrue(screen().contains("moetier: predict: expected an integer or default, found 'many'\n"), screen());
        assertTrue(screen().contains("moetier: ignore-eos: expected true or false or default, found 'si'\n"), screen());
    }

    @Test
    void answersAgain() throws IOException {
        type("/regen\none\n/regen\n");
        assertTrue(screen().contains("moetier: nothing was asked\n"), screen());
        assertTrue(screen().contains("another answer to one"), screen());
        assertEquals("another answer to one", transcript.messages().getLast().content());
    }

    @Test
    void theSystemMessageIsShownAndSet() throws IOException {
        type("/system\n/system Be brief.\n/system\n/system \"\"\"Be\nfriendly.\"\"\"\n");
        assertTrue(screen().contains("no system message\n"), screen());
        assertEquals(3, screen().split("system message: Be brief.\n", -1).length);
        assertEquals("Be\nfriendly.", transcript.system().orElseThrow());
        type("/system \"\"\n");
        assertTrue(transcript.system().isEmpty());
    }

    @Test
    void aConversationIsSavedAndLoaded() throws IOException {
        Path file = directory.resolve("chat.json");
        type("/system Be brief.\none\n/save " + file + "\n");
        Transcript said = transcript;
        assertTrue(screen().contains(file + ": saved 1 prompt and 1 answer behind a system message\n"), screen());
        assertEquals(
                "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"one\"},"
                        + "{\"role\":\"assistant\",\"content\":\"answer to one\"}]}",
                Json.write(Json.readObject(file).asMap()));
        transcript = Transcript.EMPTY;
        type("/load " + file + "\n");
        assertEquals(said, transcript);
        assertTrue(screen().contains(file + ": loaded 1 prompt and 1 answer behind a system message\n"), screen());
    }

    @Test
    void savingReplacesTheConversationsOwnFileOnly() throws IOException {
        Path own = directory.resolve("own.json");
        Path other = Files.writeString(directory.resolve("other.json"), "precious");
        type("/save " + own + "\n/save\none\n/save " + own + "\ntwo\n/save\n/save " + other + "\n");
        assertTrue(screen().contains("moetier: there is nothing to save yet\n"), screen());
        assertTrue(screen().contains(own + ": saved 2 prompts and 2 answers\n"), screen());
        assertTrue(screen().contains("moetier: " + other + ": exists already; /save! replaces it\n"), screen());
        assertEquals("precious", Files.readString(other));
        type("/save! " + other + "\n/load " + own + "\n/save\n/save ~/mine.json\n");
        assertEquals(ChatFile.read(own), ChatFile.read(other));
        assertEquals(ChatFile.read(own), ChatFile.read(directory.resolve("mine.json")));
    }

    @Test
    void savingNeedsAFileEvenWhereAnyWouldBeReplaced() throws IOException {
        for (String command : List.of("/save ", "/save! ")) {
            screen.reset();
            type(command + "\none\n" + command + "\n" + command + directory + "\n" + command + "/dev/full\n");
            String name = "moetier: " + command.strip();
            assertTrue(screen().contains(name + ": expected the name of a file\n"), screen());
            String refusal = name + ": expected a file, found the ";
            assertTrue(screen().contains(refusal + "directory " + directory + "\n"), screen());
            assertTrue(screen().contains(refusal + "device or pipe /dev/full\n"), screen());
        }
    }

    @Test
    void savingKeepsWhatIsNotAConversation() throws IOException {
        Path file = directory.resolve("request.json");
        String content = "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"b\"}]}";
        Files.writeString(file, content);
        type("/load " + file + "\n/save\n/save " + file + "\n");
        assertTrue(screen().contains(file + ": loaded 1 prompt and 0 answers\n"), screen());
        assertTrue(screen().contains("moetier: /save: expected the name of a file\n"), screen());
        assertTrue(screen().contains("moetier: " + file + ": exists already; /save! replaces it\n"), screen());
        assertEquals(content, Files.readString(file));
    }

    @Test
    void whatCannotBeLoadedLeavesTheConversation() throws IOException {
        Path file = directory.resolve("chat.json");
        type("one\n");
        Transcript said = transcript;
        for (String content :
                List.of("", "[]", "{}", "{\"messages\":[]}", message("tool", "x"), message("user", null))) {
            Files.writeString(file, content);
            type("/load " + file + "\n");
        }
        Files.writeString(
                file, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\",\"content\":\"b\"}]}");
        type("/load " + file + "\n/load " + directory + "\n/load " + directory.resolve("none") + "\n/load\n");
        Files.writeString(file, message("user", "too long"));
        type("/load " + file + "\n");
        Files.writeString(file, message("user", "refuse"));
        Path huge = directory.resolve("huge.json");
        try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
            sparse.setLength(65 << 20);
        }
        type("/load " + file + "\n/load " + huge + "\n/load /dev/zero\n/save\n");
        assertEquals(said, transcript);
        for (String expected : List.of(
                file + ": not a JSON object",
                file + ": messages: expected a list of objects, found nothing",
                file + ": messages: expected at least one message, found none",
                file + ": messages[0].role: expected system, user or assistant, found tool",
                file + ": messages[0].content: expected a string, found nothing",
                file + ": messages[1].role: expected a system message only as the first, found system",
                file + ": refused",
                file + ": --ctx: the context is short",
                directory + ": expected a file, found a directory, device or pipe",
                "/dev/zero: expected a file, found a directory, device or pipe",
                huge + ": size: expected at most 67108864 bytes, found 68157440",
                directory.resolve("none") + ": no such file",
                "/load: expected the name of a file",
                "/save: expected the name of a file")) {
            assertTrue(screen().contains("moetier: " + expected), expected + " in " + screen());
        }
    }

    @Test
    void picturesAreShownWithTheNextPrompt() throws IOException {
        Path picture = Files.copy(TestData.golden("qwen3_vl_moe").resolve("image.png"), directory.resolve("a b.png"));
        Path file = directory.resolve("chat.json");
        firstShown = List.of(Picture.read(picture));
        type("first\n/image " + picture + "\n/image ~/a b.png\n/image\ntwo\nnone\n/regen\n/save " + file + "\n");
        assertTrue(screen().contains("the next prompt shows " + picture + " (97 x 61)\n"), screen());
        Transcript said = transcript;
        assertEquals(List.of("<image>first", "<image><image>two", "none"), prompts());
        assertTrue(screen().contains("another answer to none"), screen());
        assertTrue(
                Files.readString(file)
                        .replaceAll("\\s", "")
                        .contains("{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + picture.toUri()
                                + "\"}},{\"type\":\"text\",\"text\":\"first\"}]"),
                Files.readString(file));
        transcript = Transcript.EMPTY;
        firstShown = List.of();
        type("/load " + file + "\n/save\n");
        assertEquals(said, transcript);
        assertTrue(screen().contains(file + ": saved 3 prompts"), screen());
    }

    @Test
    void picturesStayUntilTheyAreShownOrDropped() throws IOException {
        Path picture = TestData.golden("qwen3_vl_moe").resolve("image.png");
        type("/image " + picture + "\nfail\none\n/image " + picture + "\n/image \"\"\ntwo\n/image " + picture
                + "\n/clear\nthree\n");
        assertEquals(List.of("<image>one", "two", "three"), prompts());
    }

    @Test
    void whatIsNoPictureIsSaid() throws IOException {
        Path none = directory.resolve("none.png");
        Path file = directory.resolve("chat.json");
        Files.writeString(
                file,
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"," + "\"image_url\":{\"url\":\""
                        + none.toUri() + "\"}}]}]}");
        Path remote = Files.writeString(
                directory.resolve("remote.json"),
                Files.readString(file).replace(none.toUri().toString(), "https://host/a.png"));
        firstShown = List.of(Picture.of("standard input", 1, 1, new byte[3]));
        type("/image " + none + "\n/image " + file + "\n/load " + file + "\n/load " + remote
                + "\none\n/save ~/x.json\n");
        assertEquals(List.of("<image>one"), prompts());
        blind = true;
        type("/image " + none + "\n");
        for (String expected : List.of(
                none + ": no such file",
                file + ": ",
                remote + ": messages[0].content[0].image_url.url: expected the URL of a file, found https://host/a.png",
                "a chat is saved with the files of its pictures, but standard input is none",
                "mixtral reads no images")) {
            assertTrue(screen().contains("moetier: " + expected), expected + " in " + screen());
        }
    }

    @Test
    void tabCompletesFiles() throws IOException {
        Path folder = Files.createDirectory(directory.resolve("pictures"));
        Files.copy(TestData.golden("qwen3_vl_moe").resolve("image.png"), folder.resolve("horse.png"));
        typeKeys("/image " + directory + "/pic\thor\t\rone\r" + CTRL_D);
        assertEquals(List.of("<image>one"), prompts());
    }

    private List<String> prompts() {
        return transcript.messages().stream()
                .filter(message -> message.role().equals("user"))
                .map(ChatMessage::content)
                .toList();
    }

    @Test
    void withoutATemplateEachPromptStartsAfresh() throws IOException {
        type("one\n/save ~/x.json\n");
        assertFalse(screen().contains("afresh"), screen());
        remembers = false;
        type("one\n/save ~/x.json\n");
        assertTrue(screen().contains("Ctrl-D leaves\nwithout a chat template each prompt starts afresh\n"), screen());
        assertTrue(screen().contains("starts afresh: there is no conversation to save or load\n"), screen());
    }

    private void type(String text) throws IOException {
        try (Terminal dumb = new DumbTerminal(
                "test",
                "dumb",
                new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
                screen,
                StandardCharsets.UTF_8)) {
            terminal = dumb;
            loop(dumb).run();
        }
    }

    /// Types at a terminal that has an own line discipline and more keys than a dumb one.
    private void typeKeys(String keys) throws IOException {
        try (LineDisciplineTerminal pty = keys()) {
            pty.processInputBytes(keys.getBytes(StandardCharsets.UTF_8));
            loop(pty).run();
        }
    }

    private LineDisciplineTerminal keys() throws IOException {
        LineDisciplineTerminal pty = new LineDisciplineTerminal("test", "ansi", screen, StandardCharsets.UTF_8);
        terminal = pty;
        return pty;
    }

    private PromptLoop loop(Terminal on) throws IOException {
        Surroundings surroundings = new Surroundings(Map.of(), directory, "");
        return new PromptLoop(on, pending, surroundings, new Echo(), new SamplingSettings(sampling), firstShown, stats);
    }

    private Path history() {
        return new Surroundings(Map.of(), directory, "").historyFile();
    }

    private static String message(String role, @Nullable String content) {
        String text = content == null ? "null" : "\"" + content + "\"";
        return "{\"messages\":[{\"role\":\"" + role + "\",\"content\":" + text + "}]}";
    }

    private String screen() {
        return screen.toString(StandardCharsets.UTF_8);
    }

    private final class Echo implements Answerer {
        @Override
        public void answer(String userText, List<Picture> shown, Consumer<String> out, BooleanSupplier cancelled) {
            asked.add(userText);
            if (userText.equals("fail")) {
                throw new IllegalArgumentException("the context is full");
            }
            if (userText.equals("fail with")) {
                throw new IllegalArgumentException("the template says \u001b[2J");
            }
            if (userText.equals("clear")) {
                out.accept("\u001b]0;title\u0007\u009b2J\n\ttwo");
            }
            if (userText.equals("too much")) {
                throw new OutOfMemoryError("Java heap space");
            }
            if (userText.equals("interrupt") && terminal != null) {
                terminal.raise(Terminal.Signal.INT);
            }
            if (userText.equals("break")) {
                throw new AssertionError("not a failure of a turn");
            }
            if (userText.equals("stop") && terminal instanceof LineDisciplineTerminal pty) {
                type(pty, "\u001a");
            }
            if (userText.equals("think") && terminal instanceof LineDisciplineTerminal pty) {
                screenBeforeTyping = screen();
                type(pty, "typed ahead\r" + CTRL_D);
                screenAfterTyping = screen();
            }
            String answer = cancelled.getAsBoolean() ? "cancelled" : "answer to " + userText;
            out.accept(answer);
            transcript = transcript
                    .with(ChatMessage.showing("user", userText, shown))
                    .with("assistant", answer);
        }

        private void type(LineDisciplineTerminal pty, String keys) {
            try {
                pty.processInputBytes(keys.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void requireVision() {
            if (blind) {
                throw new IllegalArgumentException("mixtral reads no images");
            }
        }

        @Override
        public boolean remembers() {
            return remembers;
        }

        @Override
        public void answerAgain(Consumer<String> out, BooleanSupplier cancelled) {
            Transcript.Question last =
                    transcript.lastQuestion().orElseThrow(() -> new IllegalArgumentException("nothing was asked"));
            String answer = "another answer to " + last.prompt().content();
            out.accept(answer);
            transcript = last.asked().with("assistant", answer);
        }

        @Override
        public Transcript transcript() {
            return transcript;
        }

        @Override
        public void instruct(String systemText) {
            transcript = transcript.withSystem(systemText);
        }

        @Override
        public void resume(Transcript resumed) {
            if (resumed.equals(Transcript.EMPTY.with("user", "refuse"))) {
                throw new IllegalArgumentException("refused");
            }
            if (resumed.equals(Transcript.EMPTY.with("user", "too long"))) {
                throw new InvalidOptionException("contextLength", "the context is short");
            }
            transcript = resumed;
        }

        @Override
        public void reset() {
            resets++;
        }

        @Override
        public String line() {
            return "figures in a line";
        }

        @Override
        public String stats() {
            return "7 tokens/s";
        }
    }
}
