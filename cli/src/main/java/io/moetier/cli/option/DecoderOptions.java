package io.moetier.cli.option;

import io.moetier.runtime.model.spec.ModelSpec;
import io.moetier.runtime.session.Session;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What the decoder of a model with an encoder is taken to have put out.
@About(Topic.PROMPT)
public final class DecoderOptions {
    @Option(
            names = "--decoder-ids",
            paramLabel = "1,5,9",
            description = "For a model with an encoder, which reads the prompt: take these token ids as the decoder's"
                    + " output so far. Without it: what every output begins with.")
    @Nullable
    String decoderIds;

    /// Returns the tokens that a decoder reads: the prompt, or what that of a model with an encoder has put out so far.
    ///
    /// @throws IllegalArgumentException if there is output of a model without encoder, or it is no list of ids
    public int[] decoded(ModelSpec spec, int[] prompt) {
        if (spec.encoder().isEmpty()) {
            if (decoderIds != null) {
                throw new IllegalArgumentException(
                        "--decoder-ids: " + spec.family() + " has no encoder; the prompt is all that it reads");
            }
            return prompt;
        }
        return decoderIds == null
                ? new int[] {spec.encoder().get().decoderStartToken()}
                : TokenIds.parse(decoderIds, "--decoder-ids");
    }

    /// Encodes the prompt, where there is an encoder.
    public static void encode(ModelSpec spec, Session session, int[] prompt) {
        if (spec.encoder().isPresent()) {
            session.encode(prompt);
        }
    }
}
