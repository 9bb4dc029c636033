package io.moetier.cli.explain;

import io.moetier.cli.terminal.OutputFile;
import io.moetier.kernels.device.Routing;
import io.moetier.lab.explain.Explainer;
import io.moetier.lab.explain.Part;
import io.moetier.lab.explain.TokenMixture;
import io.moetier.storage.format.Json;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/// Every figure as one JSON object, a line for each token of each mixture (docs/explain.md).
final class ExplainFigures {
    private final ExplainedPrompt prompt;

    ExplainFigures(ExplainedPrompt prompt) {
        this.prompt = prompt;
    }

    /// Writes the file; throws as [OutputFile#create] does.
    void write(Path target) throws IOException {
        try (OutputFile file = OutputFile.create(target, "--json")) {
            try (Writer out = Files.newBufferedWriter(file.unfinished())) {
                String head = Json.write(head());
                out.write(head.substring(0, head.length() - 1)); // the object goes on
                out.write(",\n\"mixtures\":[\n");
                List<TokenMixture> mixtures = prompt.explainer().mixtures();
                for (int i = 0; i < mixtures.size(); i++) {
                    out.write(Json.write(fields(mixtures.get(i))) + (i + 1 < mixtures.size() ? ",\n" : "\n"));
                }
                out.write("]}\n");
            } catch (IOException e) {
                throw OutputFile.failure(target, e);
            }
            file.publish();
        }
    }

    private Map<String, Object> head() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", prompt.model().toString());
        fields.put("family", prompt.spec().family());
        prompt.lossy().ifPresent(options -> fields.put("lossy", options));
        fields.put("encoder_layers", prompt.spec().encoderLayers());
        fields.put("encoder_tokens", tokens(prompt.input(), true));
        fields.put("tokens", tokens(prompt.tokens(), false));
        if (!prompt.modalities().isEmpty()) {
            fields.put("modalities", prompt.modalities().fields());
        }
        return fields;
    }

    private List<Map<String, Object>> tokens(ExplainedTokens tokens, boolean encoder) {
        Explainer explainer = prompt.explainer();
        return IntStream.range(0, tokens.count())
                .mapToObj(position -> {
                    Map<String, Object> fields = new LinkedHashMap<>();
                    fields.put("id", tokens.ids().get(position));
                    fields.put("text", tokens.texts().get(position));
                    fields.put("modality", tokens.modality(position).label());
                    fields.put("embedding_size", explainer.embeddingSize(encoder, position));
                    return fields;
                })
                .toList();
    }

    private Map<String, Object> fields(TokenMixture mixture) {
        Routing routing = prompt.router(mixture).routing();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("layer", mixture.layer());
        fields.put("mixes", mixture.ofHeads() ? "attention_heads" : "experts");
        fields.put("token", mixture.position());
        fields.put("input_size", mixture.gate().inputSize());
        fields.put("logits", floats(mixture.gate().logits()));
        fields.put("score", ExplainedPrompt.scoreName(routing));
        fields.put("scores", floats(mixture.gate().scores()));
        if (prompt.router(mixture).correction().isPresent()) {
            fields.put("ranked_by", floats(mixture.gate().ranks()));
        }
        fields.put("parts", mixture.parts().stream().map(ExplainFigures::fields).toList());
        fields.put("sum_size", mixture.sumSize());
        return fields;
    }

    private static Map<String, Object> fields(Part part) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("kind", part.kind().name().toLowerCase(Locale.ROOT));
        if (part.id() >= 0) {
            fields.put("expert", part.id());
        }
        fields.put("weight", part.weight());
        fields.put("output_size", part.outputSize());
        fields.put("size", part.size());
        fields.put("share_of_sum", part.share());
        return fields;
    }

    private static List<Float> floats(float[] values) {
        return IntStream.range(0, values.length).mapToObj(i -> values[i]).toList();
    }
}
