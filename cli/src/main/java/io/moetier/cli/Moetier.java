package io.moetier.cli;

import io.moetier.cli.option.DeviceChoice;
import io.moetier.cli.option.NodeChoice;
import io.moetier.cli.option.OptionList;
import io.moetier.cli.run.Remedy;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.NativeText;
import io.moetier.cli.terminal.Numbers;
import io.moetier.cli.terminal.ProgramVersion;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.kernels.cpu.KernelChoice;
import io.moetier.kernels.device.ActivationType;
import io.moetier.kernels.device.KvType;
import io.moetier.lab.simulate.Admission;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.offload.Misses;
import io.moetier.runtime.offload.PrefetchChoice;
import io.moetier.storage.expert.IoMode;
import io.moetier.storage.memory.ByteSize;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// The command line: its commands, and what becomes of their failures.
@Command(
        name = "moetier",
        description = "Runs Mixture-of-Experts language models that are larger than memory.",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        abbreviateSynopsis = true,
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        versionProvider = Moetier.Version.class)
public final class Moetier implements Runnable {
    private final Surroundings surroundings;
    private final Streams streams;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    CommandSpec spec;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show where an error came from.")
    boolean debug;

    private Moetier(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// Runs one command and exits.
    public static void main(String[] args) {
        System.exit(begin(Surroundings.ofProcess(), Streams.ofProcess(), args));
    }

    /// Runs one command, if it came in here as it was typed, and returns its exit code.
    static int begin(Surroundings surroundings, Streams streams, String... args) {
        Optional<String> altered = altered(surroundings, args);
        altered.ifPresent(objection -> streams.note("moetier: " + objection));
        return altered.isPresent() ? Failure.USAGE : execute(surroundings, streams, args);
    }

    /// Returns what speaks against the command line as it came in here, if anything does.
    private static Optional<String> altered(Surroundings surroundings, String... args) {
        NativeText text = NativeText.ofProcess();
        return Stream.concat(Arrays.stream(args), surroundings.paths().stream())
                .flatMap(word -> text.objection(word).stream())
                .findFirst();
    }

    /// Runs one command and returns its exit code.
    public static int execute(Surroundings surroundings, Streams streams, String... args) {
        Moetier moetier = new Moetier(surroundings, streams);
        try {
            int exitCode = moetier.commandLine(args).execute(args);
            if (exitCode == Failure.OK) {
                streams.flush(); // a full disk fails here or earlier, and is reported once
            }
            return exitCode;
        } catch (Throwable e) { // picocli hands out exceptions but not errors
            return moetier.report(e);
        } finally {
            streams.out().flush();
            streams.err().flush();
        }
    }

    private CommandLine commandLine(String... args) {
        CommandLine commandLine = new CommandLine(this);
        new Commands(surroundings, streams).of(args).forEach(commandLine::addSubcommand);
        Map<String, IHelpSectionRenderer> sections = commandLine.getHelpSectionMap();
        sections.put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, new OptionList());
        return commandLine
                .setHelpSectionMap(sections)
                // Options of several letters after one dash are other programs' and not several of ours.
                .setPosixClusteredShortOptionsAllowed(false)
                .setOut(streams.out())
                .setErr(streams.err())
                .setUsageHelpAutoWidth(false)
                .registerConverter(Integer.class, converter(Numbers::integer))
                .registerConverter(int.class, converter(Numbers::integer))
                .registerConverter(Long.class, converter(Numbers::wholeNumber))
                .registerConverter(long.class, converter(Numbers::wholeNumber))
                .registerConverter(Double.class, converter(Numbers::decimal))
                .registerConverter(double.class, converter(Numbers::decimal))
                .registerConverter(ActivationType.class, converter(text -> constant(ActivationType.class, text)))
                .registerConverter(ByteSize.class, converter(ByteSize::parse))
                .registerConverter(DeviceChoice.class, converter(DeviceChoice::parse))
                .registerConverter(Path.class, converter(Moetier::path))
                .registerConverter(IoMode.class, converter(text -> constant(IoMode.class, text)))
                .registerConverter(KernelChoice.class, converter(text -> constant(KernelChoice.class, text)))
                .registerConverter(KvType.class, converter(text -> constant(KvType.class, text)))
                .registerConverter(Admission.class, converter(text -> constant(Admission.class, text)))
                .registerConverter(NodeChoice.class, converter(text -> constant(NodeChoice.class, text)))
                .registerConverter(Misses.class, converter(text -> constant(Misses.class, text)))
                .registerConverter(PrefetchChoice.class, converter(text -> constant(PrefetchChoice.class, text)))
                .registerConverter(Rounding.class, converter(text -> constant(Rounding.class, text)))
                .setExecutionExceptionHandler((cause, command, parsed) -> report(cause))
                .setParameterExceptionHandler((cause, words) -> rejectUsage(cause, words));
    }

    private int report(Throwable cause) {
        if (cause instanceof Streams.ClosedOutputException) {
            return Failure.OK;
        }
        streams.note("moetier: " + new Remedy(surroundings.knownCacheDirectory()).sentence(cause));
        if (debug) {
            StringWriter trace = new StringWriter();
            cause.printStackTrace(new PrintWriter(trace));
            streams.note(trace.toString().stripTrailing());
        }
        return Failure.of(cause).exitCode();
    }

    private int rejectUsage(ParameterException cause, String... args) {
        streams.note("moetier: " + Misuse.sentence(cause, args) + "; see "
                + cause.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return Failure.USAGE;
    }

    /// Without a command there is nothing to do but to say which there are.
    @Override
    public void run() {
        spec.commandLine().usage(streams.out());
    }

    /// Reads a value with `parse`, whose message becomes part of the sentence that names the option.
    private static <T> ITypeConverter<T> converter(Function<String, T> parse) {
        return text -> {
            try {
                return parse.apply(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        };
    }

    /// An unset shell variable must not become the current directory.
    private static Path path(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("must not be empty");
        }
        return Path.of(text);
    }

    /// Reads a constant in the spelling of the help, which is lower case, or in any other case.
    private static <E extends Enum<E>> E constant(Class<E> type, String text) {
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equalsIgnoreCase(text)) {
                return constant;
            }
        }
        String expected = Arrays.stream(type.getEnumConstants())
                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
        throw new IllegalArgumentException("expected one of " + expected + ", found '" + text + "'");
    }

    /// The version of this program.
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"moetier " + ProgramVersion.get()};
        }
    }
}
