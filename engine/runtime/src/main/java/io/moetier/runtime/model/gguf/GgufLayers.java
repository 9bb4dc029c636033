package io.moetier.runtime.model.gguf;

import io.moetier.runtime.model.describe.Limits;
import io.moetier.storage.format.GgufParts;
import io.moetier.storage.format.JsonObject;
import io.moetier.storage.format.RawTensor;
import io.moetier.storage.model.MalformedModelException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Tells what is computed in each layer, which shows in the tensors that it has, or in lists of the metadata.
final class GgufLayers {
    /// Read of files whose layers attend to compressed entries, or to none.
    static final String RATIOS = "attention.compress_ratios";

    /// Said of files whose metadata does not count the layers without experts.
    static final String NETWORKS = "mlp_layer_types";

    private static final String LIMITS = "swiglu_clamp_exp";
    private static final String SHARED_LIMITS = "swiglu_clamp_shexp";
    private static final String TYPES = "attention.indexer.types";
    private static final String SLIDING = "attention.sliding_window_pattern";
    private static final String RECURRENT = "attention.recurrent_layers";
    private static final String INDEX_KEYS = "indexer.k_proj";

    /// From this context on, files of `glm-dsa` that do not list them have indexers in one layer of four.
    private static final int POSITIONS_OF_SHARED_INDEXERS = 1 << 20;

    private final GgufRule rule;
    private final JsonObject metadata;
    private final Map<String, RawTensor> tensors;
    private final int numLayers;

    GgufLayers(GgufRule rule, GgufParts parts, int numLayers) {
        this.rule = rule;
        this.metadata = parts.metadata();
        this.tensors = parts.tensors();
        this.numLayers = numLayers;
    }

    /// Returns the keys of `config.json` that say it.
    Map<String, Object> config() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put(
                "mlp_only_layers",
                layers().filter(layer -> has(layer, "ffn_gate")).boxed().toList());
        if (rule.constants().get(NETWORKS) instanceof List<?> words) {
            config.put(
                    NETWORKS,
                    layers().mapToObj(layer -> has(layer, "ffn_gate") ? words.getFirst() : words.getLast())
                            .toList());
        }
        if (layers().anyMatch(this::isNetworkAlone)) {
            config.put("layers_block_type", layers().mapToObj(this::onlyBlock).toList());
        }
        if (rule.reads("full_attention_interval") && metadata.has(rule.key(RECURRENT))) {
            config.put("layer_types", ofFlags(RECURRENT, "linear_attention", "full_attention"));
        }
        if (rule.reads(SLIDING) && metadata.value(rule.key(SLIDING)) instanceof List) {
            config.put("layer_types", ofFlags(SLIDING, "sliding_attention", "full_attention"));
        }
        if (rule.reads("attention.indexer.top_k") && !rule.reads(RATIOS)) {
            config.putAll(indexers());
        }
        if (rule.reads("attention.indexer.block_size")) {
            config.put("moe_layer_freq", ones("ffn_gate_inp"));
            putRows(config, "dense_intermediate_size", "ffn_gate");
            putRows(config, "shared_intermediate_size", "ffn_gate_shexp");
            if (layers().anyMatch(layer -> has(layer, INDEX_KEYS))) {
                config.put("sparse_attention_config", blocksOfKeys());
            }
        }
        return config;
    }

    /// Returns what the configuration says where the metadata lists a number for each layer, and maybe for those that
    /// guess more tokens, too.
    ///
    /// @param gguf the key after the architecture and a point
    Object ofAll(String gguf, List<?> numbers) {
        return switch (gguf) {
            case "feed_forward_length" -> // which layers have a network shows in their tensors
                numbers.stream()
                        .mapToInt(width -> width instanceof Integer number ? number : 0)
                        .max()
                        .orElse(0);
            case RATIOS, SLIDING -> numbers.stream().limit(numLayers).toList();
            case LIMITS, SHARED_LIMITS ->
                rule.reads(SHARED_LIMITS) ? numbers.stream().limit(numLayers).toList() : limit(gguf);
            default -> throw metadata.unexpected(rule.key(gguf), "a number, or true or false", numbers);
        };
    }

    /// Returns how wide experts, or what they work in, are as their tensors tell it, where a file does not say.
    ///
    /// @param gguf the key that would say it, after the architecture and a point
    Optional<Integer> width(String gguf) {
        return switch (gguf) {
            case "expert_feed_forward_length" -> cols("ffn_down_exps");
            case "expert_shared_feed_forward_length" -> cols("ffn_down_shexp");
            case "moe_latent_size" -> rows("ffn_latent_in");
            default -> Optional.empty();
        };
    }

    private Optional<Integer> rows(String part) {
        return length(part, List::getFirst);
    }

    private Optional<Integer> cols(String part) {
        return length(part, List::getLast);
    }

    /// Returns a length of a part in the first layer that has it.
    private Optional<Integer> length(String part, Function<List<Long>, Long> of) {
        return layers().filter(layer -> has(layer, part))
                .mapToObj(layer -> Objects.requireNonNull(tensors.get("blk." + layer + "." + part + ".weight"))
                        .shape())
                .findFirst()
                .filter(shape -> !shape.isEmpty())
                .map(of)
                .filter(length -> length <= Limits.NUMBER)
                .map(Math::toIntExact);
    }

    /// Checks that gates are limited alike in experts that are routed to and in shared ones.
    ///
    /// @throws MalformedModelException if they are not
    void requireLimitsAlike() {
        if (rule.reads(LIMITS) && !rule.reads(SHARED_LIMITS) && metadata.has(rule.key(SHARED_LIMITS))) {
            Object expected = limit(LIMITS);
            Object found = limit(SHARED_LIMITS);
            if (!found.equals(expected)) {
                throw metadata.unexpected(
                        rule.key(SHARED_LIMITS), expected + ", as " + rule.key(LIMITS) + " says", found);
            }
        }
    }

    /// Returns the one number of all layers.
    private Object limit(String gguf) {
        String key = rule.key(gguf);
        Object value = metadata.value(key);
        List<?> different = value instanceof List<?> all
                ? all.stream().limit(numLayers).distinct().toList()
                : Stream.ofNullable(value).toList();
        if (different.size() == 1 && different.getFirst() instanceof Number number) {
            return number.doubleValue();
        }
        throw metadata.unexpected(key, "one number for all layers", value);
    }

    private IntStream layers() {
        return IntStream.range(0, numLayers);
    }

    private boolean has(int layer, String part) {
        return tensors.containsKey("blk." + layer + "." + part + ".weight");
    }

    /// Says whether the layer has neither attention nor a state in front of its network.
    private boolean isNetworkAlone(int layer) {
        return Stream.of("ffn_norm", "post_attention_norm", "ssm_in", "attn_output")
                .noneMatch(part -> has(layer, part));
    }

    private String onlyBlock(int layer) {
        if (has(layer, "ssm_in")) {
            return "mamba";
        }
        if (has(layer, "attn_output")) {
            return "attention";
        }
        return has(layer, "ffn_gate_inp") ? "moe" : "mlp";
    }

    /// Which layers have an indexer of their own: as listed, or as llama.cpp takes it to be.
    private Map<String, Object> indexers() {
        if (metadata.has(rule.key(TYPES))) {
            return Map.of("indexer_types", ofFlags(TYPES, "full", "shared"));
        }
        return metadata.requireInt(rule.key("context_length")) < POSITIONS_OF_SHARED_INDEXERS
                ? Map.of()
                : Map.of("index_topk_freq", 4, "index_skip_topk_offset", 3);
    }

    /// Returns one of two words for each layer, as the list at `gguf` says, which may have more entries for layers that
    /// guess more tokens, or the one entry for all.
    private List<String> ofFlags(String gguf, String on, String off) {
        String key = rule.key(gguf);
        Object value = Objects.requireNonNull(metadata.value(key));
        List<?> flags = value instanceof List<?> list ? list : Collections.nCopies(numLayers, value);
        if (flags.size() < numLayers) {
            throw metadata.unexpected(key, "one entry for each of " + numLayers + " layers", flags.size());
        }
        return flags.stream()
                .limit(numLayers)
                .map(flag -> isOn(key, flag) ? on : off)
                .toList();
    }

    private boolean isOn(String key, @Nullable Object type) {
        return switch (type) {
            case Boolean flag -> flag;
            case Number number -> number.intValue() != 0;
            case String word when Set.of("full", "shared").contains(word) -> word.equals("full");
            case null, default -> throw metadata.unexpected(key, "true and false, 1 and 0, or full and shared", type);
        };
    }

    /// Attention to blocks of keys, as MiniMax-M3 has it.
    private Map<String, Object> blocksOfKeys() {
        Map<String, Object> sparse = new LinkedHashMap<>();
        sparse.put("use_sparse_attention", true);
        Map.of(
                        "sparse_num_index_heads", "head_count",
                        "sparse_index_dim", "key_length",
                        "sparse_topk_blocks", "top_k",
                        "sparse_block_size", "block_size",
                        "sparse_local_block", "local_blocks")
                .forEach((name, key) -> sparse.put(name, metadata.requireInt(rule.key("attention.indexer." + key))));
        sparse.put("sparse_attention_freq", ones(INDEX_KEYS));
        return sparse;
    }

    private List<Integer> ones(String part) {
        return layers().mapToObj(layer -> has(layer, part) ? 1 : 0).toList();
    }

    private void putRows(Map<String, Object> config, String key, String part) {
        layers().filter(layer -> has(layer, part)).limit(1).forEach(layer -> {
            RawTensor tensor = Objects.requireNonNull(tensors.get("blk." + layer + "." + part + ".weight"));
            if (tensor.shape().size() != 2 || tensor.shape().getFirst() > Integer.MAX_VALUE) {
                throw MalformedModelException.of(
                        tensor.file(), "tensor " + tensor.name(), "a matrix", "shape " + tensor.shape());
            }
            config.put(key, tensor.shape().getFirst());
        });
    }
}
