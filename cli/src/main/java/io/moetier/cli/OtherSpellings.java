package io.moetier.cli;

import java.util.Arrays;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// What options and commands of llama.cpp, Ollama and other programs are here: the name of ours, or words.
///
/// Left of a bar are the spellings, right of it the answer.
final class OtherSpellings {
    private static final Map<String, String> OPTIONS = table("""
            --temperature                              | --temp
            --n-predict --num-predict --max-tokens --max-new-tokens | -n
            -c --ctx-size --num-ctx --context-length --max-model-len | --ctx
            -t -tb --threads-batch --num-thread --num-threads | --threads
            --file                                     | -f
            --repetition-penalty                       | --repeat-penalty
            -r --reverse-prompt                        | --stop
            -ctk -ctv --cache-type-k --cache-type-v --kv-cache-dtype | --kv
            -dev                                       | --device
            -cnv --conversation                        | --chat
            -no-cnv --no-conversation                  | --no-chat
            --format                                   | --json
            -p --prompt                                | the prompt is the argument after MODEL, or a file with -f
            -m --model                                 | MODEL is the first argument, without an option
            -hf -hfr --hf-repo -hff --hf-file          | MODEL may be a name of the hub's, as hf:ORG/REPO:Q4_K_M
            -i --interactive --interactive-first       | without a prompt, run asks for one in the terminal
            -ngl --gpu-layers --n-gpu-layers --num-gpu | a GPU takes what fits; --device chooses it, --vram says how much
            -ncmoe --n-cpu-moe -cmoe --cpu-moe -ot --override-tensor | experts lie where they fit; --vram and --ram say how much
            -sm --split-mode -ts --tensor-split -mg --main-gpu | --device cuda:0,cuda:1 shares the experts among GPUs
            --gpu-memory-utilization                   | --vram
            -fa --flash-attn                           | attention needs no option
            --mlock --mmap --no-mmap                   | --ram says how much stays in memory, --io how experts are read
            -b -ub --batch-size --ubatch-size          | prompts are computed in batches without being asked
            --jinja --chat-template --chat-template-file | the model's own chat template is used, unless --no-chat
            -sys --system-prompt --system              | /system at the prompt in the terminal
            --no-display-prompt                        | the prompt is not repeated
            -v --verbose --log-verbosity               | --stats shows all figures, --debug where an error came from
            --keepalive                                | nothing stays loaded after a run
            """);

    private static final Map<String, String> COMMANDS = table("""
            chat generate completion complete cli      | run
            convert create quantize                    | import
            show info                                  | inspect
            check                                      | verify
            benchmark                                  | bench
            ppl eval                                   | perplexity
            simulate                                   | tune
            serve server                               | there is no server; run answers in the terminal
            download get                               | pull
            ls models                                  | list
            remove delete del                          | rm
            ps stop                                    | nothing stays loaded after a run
            version                                    | --version tells it
            """);

    private OtherSpellings() {}

    /// Returns the answer to an option, which may have underscores for dashes.
    static Optional<String> ofOption(String name) {
        return Optional.ofNullable(OPTIONS.get(name.replace('_', '-')));
    }

    /// Returns the answer to a command.
    static Optional<String> ofCommand(String word) {
        return Optional.ofNullable(COMMANDS.get(word.toLowerCase(Locale.ROOT)));
    }

    /// Returns all answers to options.
    static Collection<String> options() {
        return OPTIONS.values();
    }

    private static Map<String, String> table(String text) {
        return text.lines()
                .map(line -> line.split("\\s*\\|\\s*", 2))
                .flatMap(row -> Arrays.stream(row[0].split(" ", -1)).map(spelling -> Map.entry(spelling, row[1])))
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
    }
}
