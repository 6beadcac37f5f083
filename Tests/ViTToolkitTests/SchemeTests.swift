import TensorCore
import TestSupport
import Testing
import ViTToolkit

/// Checkpoints of other libraries, in their own names, against what those libraries compute.
@Suite struct SchemeTests {
    @Test func allFormsAreThere() { #expect(ModelFixture.schemes.count > 80) }

    @Test(arguments: ModelFixture.schemes)
    func theSchemeIsTold(_ fixture: ModelFixture) throws {
        let prepared = try fixture.prepared()
        #expect(prepared.scheme == fixture.scheme)
        let ignored = prepared.report.ignored.map(\.name)
        for name in fixture.ignored {
            #expect(ignored.contains(name) || !prepared.parameters.contains { $0.sources.contains(name) })
        }
    }

    /// Everything that the library knows of its model, those facts included that no tensor tells.
    @Test(arguments: ModelFixture.schemes)
    func theConfigurationIsTheLibrarys(_ fixture: ModelFixture) throws {
        let ours = try fixture.prepared().configuration.json
        for member in fixture.configuration.members ?? [] {
            let (expected, found) = (member.value, ours[member.key] ?? .null)
            if let numbers = expected.array?.compactMap(\.double), !numbers.isEmpty {
                #expect(found.array?.compactMap(\.double) == numbers, "\(member.key)")
            } else if let number = expected.double {
                #expect(found.double == number, "\(member.key)")
            } else {
                #expect(found == expected, "\(member.key)")
            }
        }
        let labels = fixture.configuration["labels"]
        #expect(ours["labels"] == labels)
    }

    /// In, to `.swt`, and back in every container: each tensor that the scheme holds, bit by bit, under its own name.
    @Test(arguments: ModelFixture.schemes.filter { $0.scheme != "timm" } + ModelFixture.ofTimmsNames)
    func theWayBackGivesTheSameTensors(_ fixture: ModelFixture) throws {
        let prepared = try fixture.prepared()
        let used = Set(prepared.parameters.flatMap(\.sources))
        let sources = try prepared.checkpoint.tensors.filter { used.contains($0.name) }.map {
            (name: $0.name, view: $0.view, digest: try Digest.sha256($0.view))
        }
        let folder = try TemporaryFolder()
        let swt = folder.path + "model.swt"
        try convert(prepared.checkpoint, to: swt, options: fixture.options)
        var form = OutputForm()
        form.scheme = fixture.scheme
        for (ending, isCompressed) in [
            (".safetensors", false), (".npz", false), (".npz", true), (".pth", false), (".h5", false),
        ] {
            let output = folder.path + "back" + ending
            form.isCompressed = isCompressed
            try convert(try Checkpoint(path: swt), to: output, form: form)
            let written = try Checkpoint(path: output)
            #expect(written.tensors.count == sources.count, "\(ending)")
            for source in sources {
                let copy = try #require(
                    written.tensor(source.name)
                        ?? written.tensors.first { Self.isSame($0.name, source.name) }?.view,
                    "\(source.name) in \(ending)")
                #expect(copy.dtype == source.view.dtype && copy.shape == source.view.shape, "\(source.name)")
                #expect(try Digest.sha256(copy) == source.digest, "\(source.name) in \(ending)")
            }
        }
    }

    /// Keras loads its older files by the order of layers and of their variables, which attributes tell.
    @Test(arguments: ["vit_keras", "vit_keras_pre_logits", "vit_keras_2", "vit_keras_2_pre_logits"])
    func kerassOrderIsKept(_ name: String) throws {
        let fixture = try ModelFixture.named(name)
        let folder = try TemporaryFolder()
        var form = OutputForm()
        form.scheme = fixture.scheme
        let source = try Checkpoint(path: fixture.path)
        try convert(source, to: folder.path + "back.h5", options: fixture.options, form: form)
        let names = try Checkpoint(path: folder.path + "back.h5").tensors.map(\.name)
        #expect(names == source.tensors.map(\.name))
    }

    /// The name itself, or the name behind a nesting, its words joined by dots or by slashes; a chunk of blocks
    /// may be another.
    private static func isSame(_ written: String, _ source: String) -> Bool {
        let (ours, theirs) = (words(written), words(source))
        if ours == theirs || theirs.suffix(ours.count) == ours[...] { return true }
        // A tower alone, or parameters alone, whose names have nothing or something else in front elsewhere.
        if let first = ours.first, ["visual", "vision_model", "params"].contains(first),
            theirs.suffix(ours.count - 1) == ours.dropFirst()
        {
            return true
        }
        guard let start = theirs.firstIndex(of: "blocks"), ours.first == "blocks", ours.count > 2,
            theirs.count == start + ours.count
        else { return false }
        return ours.dropFirst(2).elementsEqual(theirs[(start + 2)...])
    }

    private static func words(_ name: String) -> [Substring] { name.split { $0 == "." || $0 == "/" } }

    /// What is written in a library's names computes what the library computes.
    @Test(arguments: ModelFixture.schemes.filter { $0.scheme != "timm" })
    func whatIsWrittenIsVerified(_ fixture: ModelFixture) throws {
        let folder = try TemporaryFolder()
        var form = OutputForm()
        form.scheme = fixture.scheme
        try convert(
            try Checkpoint(path: fixture.path), to: folder.path + "back.npz", options: fixture.options,
            form: form, references: [fixture.referencePath])
    }

    /// Names that share a scheme's and compute something else.
    @Test(arguments: [
        ("hf_vit", "vit.encoder.layer.0.lambda_1"), ("hf_vit", "vit.embeddings.detection_tokens"),
        ("hf_vit", "vit.encoder.layer.0.attention.attention.relative_position_bias.table"),
        ("openclip.pth", "visual.attn_pool.query"), ("clip_openai.pth", "visual.attn_pool.query"),
        ("openclip_visual.pth", "transformer.resblocks.1.ln_attn.weight"),
        ("jax_plain", "conv_root/kernel"), ("flax_linen", "conv_root/kernel"),
    ])
    func whatTheModelCannotComputeIsRefused(_ name: String, _ extra: String) throws {
        let tensors = try Checkpoint(path: try ModelFixture.named(name).path).tensors
        let view = try #require(tensors.first?.view)
        let error = #expect(throws: MappingError.self) {
            _ = try Mapper.map(tensors + [NamedTensor(extra, view)])
        }
        guard case .unsupported(_, let names) = error else {
            Issue.record("expected a refusal, found \(String(describing: error))")
            return
        }
        #expect(names == [extra])
    }

    /// A checkpoint of JAX and what timm's own reader of it saved hold the same parameters.
    @Test(arguments: ["jax_plain", "big_vision_map"])
    func timmsCopyComparesAsIdentical(_ name: String) throws {
        let (theirs, copy) = (try ModelFixture.named(name), try ModelFixture.named(name + ".timm"))
        let comparison = try compare(try Checkpoint(path: theirs.path), try Checkpoint(path: copy.path))
        #expect(comparison.isEqual)
        #expect(comparison.tensors.count == (try copy.prepared().parameters.count))
    }

    /// A class token without a position, in frameworks that give it one: what is written computes what timm does.
    @Test(arguments: ["jax", "flax-linen", "huggingface", "torchvision", "vit-keras-3", "keras-hub"])
    func aPositionThatIsMissingIsWrittenAsZeros(_ scheme: String) throws {
        let fixture = try ModelFixture.named("no_embed_class")
        let folder = try TemporaryFolder()
        let output = folder.path + "out.safetensors"
        var form = OutputForm()
        form.scheme = scheme
        let conversion = try convert(
            try Checkpoint(path: fixture.path), to: output, options: fixture.options, form: form,
            references: [fixture.referencePath])
        #expect(conversion.remarks.contains { $0.contains("positions for 1 more of the tokens") })
        let written = try PreparedModel(try Checkpoint(path: output), options: fixture.options)
        #expect(try written.configuration.positions == .all)
    }

    /// Of class token and registers only the first gets one.
    @Test(arguments: ["dinov2", "huggingface-dinov2"])
    func registersGetNoPositions(_ scheme: String) throws {
        let fixture = try ModelFixture.named("swiglu_packed")
        let folder = try TemporaryFolder()
        let output = folder.path + "out.safetensors"
        var options = fixture.options
        options.classes = 0
        var form = OutputForm()
        form.scheme = scheme
        try convert(try Checkpoint(path: fixture.path), to: output, options: options, form: form)
        let written = try PreparedModel(try Checkpoint(path: output), options: options)
        #expect(try written.configuration.positions == .classAndPatches)
        #expect(try written.configuration.registers == 4)
        let ours = try #require(written.parameters.first { $0.name == "pos_embed" }).view
        let theirs = try #require(try fixture.prepared().parameters.first { $0.name == "pos_embed" }).view
        let width = theirs.shape[2]
        #expect(try ours.floats() == [Float](repeating: 0, count: width) + theirs.floats())
    }

    @Test(
        arguments: [
            ("layer_scale", "huggingface", "ls1.gamma"), ("registers", "huggingface", "reg_token"),
            ("plain", "huggingface-dinov2", "token"), ("norm_pre", "torchvision", "norm_pre"),
            ("deit_distilled", "torchvision", "dist_token"), ("plain", "huggingface-clip", "head.bias"),
            ("deit_distilled_features", "huggingface", "dist_token"),
            ("prelogits_in21k", "huggingface", "pre_logits.fc"), ("avgpool_fc_norm", "huggingface", "avg"),
            ("no_qkv_bias", "torchvision", "in_proj_bias"),
            ("features", "huggingface-dinov2", "layer_scale1"),
            ("plain", "clip-openai", "head.bias"), ("norm_pre", "huggingface-siglip", "token"),
            ("plain", "big-vision", "positions"), ("no_qkv_bias", "jax", "query/bias"),
            ("no_qkv_bias", "keras-hub", "query_dense/vars/1"), ("avgpool_norm", "jax", "no class token"),
            ("avgpool_norm", "vit-keras", "avg"), ("swiglu_packed", "flax-linen", "swiglu-packed"),
            ("registers", "keras-hub", "reg_token"), ("attention_pool", "keras-hub", "map"),
            ("prelogits_in21k", "huggingface-flax", "pre_logits.fc"), ("deit_distilled", "jax", "dist_token"),
        ])
    func aModelThatTheLibraryHasNotIsRefused(_ name: String, _ scheme: String, _ reason: String) throws {
        let fixture = try ModelFixture.named(name)
        let folder = try TemporaryFolder()
        var form = OutputForm()
        form.scheme = scheme
        let error = #expect(throws: (any Error).self) {
            try convert(
                try Checkpoint(path: fixture.path), to: folder.path + "out.safetensors",
                options: fixture.options, form: form)
        }
        let text = "\(try #require(error))"
        #expect(text.contains(reason), "\(text)")
        #expect(folder.names.isEmpty)
    }

    /// `keras.Sequential([vit, Dense(10)])`, and the same with a layer more, which is no head of ours.
    @Test(arguments: [1, 2])
    func aHeadAroundAKerasModelIsTaken(_ layers: Int) throws {
        let source = try Checkpoint(path: try ModelFixture.named("vit_keras_3_features").path).tensors
        var tensors = source.filter { $0.name.hasPrefix("layers/") }
            .map { NamedTensor("layers/functional/" + $0.name, $0.view) }
        for layer in ["dense", "dense_1"].prefix(layers) {
            tensors.append(NamedTensor("layers/\(layer)/vars/0", try .zeros(.f32, try Shape([24, 10]))))
            tensors.append(NamedTensor("layers/\(layer)/vars/1", try .zeros(.f32, try Shape([10]))))
        }
        let mapped = try Mapper.map(tensors)
        #expect(mapped.classes == 10)
        let unexpected = mapped.report.unexpected.map(\.name)
        #expect(unexpected == (layers == 1 ? [] : ["layers/dense/vars/0", "layers/dense/vars/1"]))
    }

    /// The smaller EVA-02: packed SwiGLU without a key bias, and rotary embeddings that no tensor shows.
    @Test func evasHiddenRotaryPositionsAreRefused() throws {
        let source = try Checkpoint(path: try ModelFixture.named("swiglu_packed").path).tensors
        let tensors = try source.flatMap { tensor in
            guard tensor.name.hasSuffix("qkv.bias") else { return [tensor] }
            let block = tensor.name.dropLast("qkv.bias".count)
            return try [("q_bias", 0..<24), ("v_bias", 48..<72)].map {
                NamedTensor(block + $0.0, try tensor.view.sliced(axis: 0, $0.1))
            }
        }
        let folder = try TemporaryFolder()
        let file = try AtomicFile(replacing: folder.path + "eva.npz")
        try NpzWriter.write(tensors, to: file)
        try file.commit()
        var options = ModelOptions()
        options.heads = 3
        let error = #expect(throws: (any Error).self) {
            _ = try PreparedModel(try Checkpoint(path: folder.path + "eva.npz"), options: options)
        }
        #expect("\(try #require(error))".contains("rotary position embeddings"))
    }
}
