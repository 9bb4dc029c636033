package io.moetier.lab.foreign;

import io.moetier.storage.format.IoFailure;
import io.moetier.storage.model.MalformedModelException;
import io.moetier.storage.model.Phase;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/// An array `routed_experts` of vLLM as NumPy saves it: one request.
final class VllmArray implements ForeignTrace {
    private final Path file;
    private final int numExperts;
    private final int promptTokens;

    VllmArray(Path file, int numExperts, int promptTokens) {
        this.file = file;
        this.numExperts = numExperts;
        this.promptTokens = promptTokens;
    }

    @Override
    public Optional<String> model() {
        return Optional.empty();
    }

    @Override
    public OptionalInt numExperts() {
        return OptionalInt.empty();
    }

    @Override
    public void read(Consumer<ForeignToken> tokens) {
        NpyArray experts = NpyArray.of(bytes(), file);
        int prompt = Math.min(promptTokens, experts.numTokens());
        VllmTokens request = new VllmTokens(numExperts, tokens);
        request.add(experts, 0, prompt, Phase.PREFILL, file);
        request.add(experts, prompt, experts.numTokens(), Phase.DECODE, file);
    }

    private ByteBuffer bytes() {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() > Integer.MAX_VALUE) {
                throw MalformedModelException.of(
                        file, "size", "at most " + Integer.MAX_VALUE + " bytes", channel.size());
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
        } catch (IOException e) {
            throw new MalformedModelException(file + ": cannot be read: " + IoFailure.reason(e), e);
        }
    }
}
