package io.moetier.cli.run;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;

/// The commands of the prompt: a table of what each is called, takes, says of itself and does.
final class PromptCommands implements Completer {
    private static final String SET = "/set";
    private static final String IMAGE = "/image";
    private static final Set<String> TAKE_FILES = Set.of(IMAGE, "/save", "/save!", "/load");
    private static final String KEYS = PromptCommand.line("\\", "at the end of a line: go on in the next line")
            + PromptCommand.line("\"\"\"", "begins and ends a text of several lines")
            + PromptCommand.line("Ctrl-C", "stops the answer");

    private final Answerer answerer;
    private final SamplingSettings settings;
    private final TypedFile files;
    private final AttachedPictures pictures;
    private final List<PromptCommand> commands;

    /// @param settings what `/set` changes
    /// @param pictures what `/image` adds to
    /// @param again answers the last prompt again
    /// @param leave has the prompt end after the command
    PromptCommands(
            Answerer answerer,
            SamplingSettings settings,
            TypedFile files,
            AttachedPictures pictures,
            Runnable again,
            Runnable leave) {
        this.answerer = answerer;
        this.settings = settings;
        this.files = files;
        this.pictures = pictures;
        SavedChat saved = new SavedChat(answerer, files);
        commands = List.of(
                new PromptCommand("/regen", "", "answer the last prompt again, with another draw", given -> run(again)),
                new PromptCommand("/clear", "", "forget the conversation, keep the system message", given -> clear()),
                new PromptCommand(
                        "/system", "TEXT", "system message from now on; \"\": none; alone: show it", this::system),
                new PromptCommand(
                        IMAGE,
                        "FILE",
                        "show a picture with the next prompt; \"\": none; alone: list",
                        pictures::attach),
                new PromptCommand(SET, "NAME VALUE", "change how tokens are chosen; alone: list the values", this::set),
                new PromptCommand("/save", "FILE", "write the conversation to a new file, or to its own", saved::save),
                new PromptCommand("/save!", "FILE", "the same, in place of any file", saved::replace),
                new PromptCommand("/load", "FILE", "go on with the conversation in a file", saved::load),
                new PromptCommand("/stats", "", "figures of the last answer", given -> answerer.stats() + "\n"),
                new PromptCommand("/help", "", "this list", given -> help()),
                new PromptCommand("/?", "", "", given -> help()),
                new PromptCommand("/bye", "", "leave, as Ctrl-D does", given -> run(leave)),
                new PromptCommand("/exit", "", "", given -> run(leave)),
                new PromptCommand("/quit", "", "", given -> run(leave)));
    }

    /// Does what the command `name` says, and returns the lines to show.
    ///
    /// @throws IllegalArgumentException if there is no such command
    String run(String name, String given) throws IOException {
        for (PromptCommand command : commands) {
            if (command.name().equals(name)) {
                return command.run(given);
            }
        }
        throw new IllegalArgumentException("no such command: " + name + "; /help lists them");
    }

    @Override
    public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
        if (line.wordIndex() == 0 && line.word().startsWith("/")) {
            listed().forEach(command -> candidates.add(new Candidate(command.name())));
        } else if (line.wordIndex() == 1 && line.words().getFirst().equals(SET)) {
            settings.names().forEach(name -> candidates.add(new Candidate(name)));
        } else if (line.wordIndex() == 1 && TAKE_FILES.contains(line.words().getFirst())) {
            files.completions(line.word().substring(0, line.wordCursor()))
                    .forEach(name ->
                            candidates.add(new Candidate(name, name, null, null, null, null, !name.endsWith("/"))));
        }
    }

    private Stream<PromptCommand> listed() {
        return commands.stream().filter(command -> !command.help().isEmpty());
    }

    private String help() {
        return listed().map(PromptCommand::line).collect(Collectors.joining()) + KEYS;
    }

    private String clear() {
        answerer.reset();
        pictures.clear();
        return "the conversation is forgotten\n";
    }

    private String system(String given) {
        if (!given.isEmpty()) {
            answerer.instruct(given.equals("\"\"") ? "" : given);
        }
        return answerer.transcript()
                        .system()
                        .map(text -> "system message: " + text)
                        .orElse("no system message") + "\n";
    }

    private String set(String given) {
        if (given.isEmpty()) {
            return settings.table();
        }
        String[] words = given.split("\\s+", 2);
        if (words.length > 1) {
            settings.set(words[0], words[1]);
        }
        return settings.line(words[0]);
    }

    private static String run(Runnable action) {
        action.run();
        return "";
    }
}
