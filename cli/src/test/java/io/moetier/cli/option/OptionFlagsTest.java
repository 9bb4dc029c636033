package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cli.terminal.Streams;
import io.moetier.cli.trace.TraceConvertCommand;
import io.moetier.lab.foreign.TraceConversion;
import io.moetier.runtime.chat.AnswerOptions;
import io.moetier.runtime.model.mixture.ExpertSelection;
import io.moetier.runtime.option.InvalidOptionException;
import io.moetier.runtime.session.Compute;
import io.moetier.runtime.session.Memory;
import io.moetier.runtime.session.Numerics;
import io.moetier.runtime.session.Offloading;
import io.moetier.runtime.session.PolicyChoice;
import io.moetier.runtime.session.SamplingParams;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.CommandSpec;

class OptionFlagsTest {
    /// The records whose fields can be refused.
    private static final List<Class<?>> OPTIONS = List.of(
            Compute.class,
            Memory.class,
            Offloading.class,
            PolicyChoice.Named.class,
            Numerics.class,
            ExpertSelection.class,
            SamplingParams.class,
            AnswerOptions.class,
            TraceConversion.class);

    @Test
    void everyFieldIsOneOfTheLibrary() {
        Set<String> fields = OPTIONS.stream()
                .flatMap(type -> Stream.of(type.getRecordComponents()))
                .map(RecordComponent::getName)
                .collect(Collectors.toSet());
        assertEquals(
                Set.of(),
                OptionFlags.FLAGS.keySet().stream()
                        .filter(field -> !fields.contains(field))
                        .collect(Collectors.toSet()));
    }

    @Test
    void everyFlagIsOneOfTheCommandLine() {
        Set<String> flags = Stream.of(
                        new ModelOptions(), new SamplingOptions(), new TraceConvertCommand(Streams.ofProcess()))
                .flatMap(options -> CommandSpec.forAnnotatedObject(options).optionsMap().keySet().stream())
                .collect(Collectors.toSet());
        assertEquals(
                Set.of(),
                OptionFlags.FLAGS.values().stream()
                        .filter(flag -> !flags.contains(flag))
                        .collect(Collectors.toSet()));
    }

    @Test
    void aSentenceNamesTheFlagOfItsField() {
        InvalidOptionException refused =
                assertThrows(InvalidOptionException.class, () -> new SamplingParams(-1, 40, 0.95, 0.05, 1, 64, 0));
        assertEquals("temperature: expected 0 or more, found -1.0", refused.getMessage());
        assertEquals("--temp: expected 0 or more, found -1.0", OptionFlags.sentence(refused));
    }

    @Test
    void whatWouldHelpIsAFlagToo() {
        InvalidOptionException refused =
                InvalidOptionException.tooLittle("vramBytes", "1 byte is too little", "contextLength");
        assertEquals("vramBytes: 1 byte is too little; a smaller contextLength needs less", refused.getMessage());
        assertEquals("--vram: 1 byte is too little; a smaller --ctx needs less", OptionFlags.sentence(refused));
    }

    @Test
    void aFieldWithoutAFlagIsNamedAsItIs() {
        InvalidOptionException refused = new InvalidOptionException("reservedBytes", "expected 0 or more, found -1");
        assertEquals(refused.getMessage(), OptionFlags.sentence(refused));
    }

    @Test
    void lossyOptionsAreThoseThatWereGiven() {
        assertEquals(Optional.empty(), OptionFlags.lossy(ExpertSelection.TRAINED));
        assertEquals(
                Optional.of("--experts 1 --top-p-experts 0.3"),
                OptionFlags.lossy(new ExpertSelection(
                        OptionalInt.of(1), OptionalDouble.of(0.3), OptionalDouble.empty(), Optional.empty())));
    }
}
