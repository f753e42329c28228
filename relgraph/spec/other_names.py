"""What the words of the language are called elsewhere: in papers, in PyTorch, in timm.

Goes in: a word that is none here, and the legal ones. Comes out: the one that was surely meant, or
the nearest by its letters. Hints only: nothing is accepted under another name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from relgraph.errors import nearest

# Folded: lower case, without `_` and a trailing `2d`. The first legal one of each row is taken.
_ELSEWHERE = """
linear dense fc: pointwise classifier
attention mha msa mhsa selfattention multiheadattention vanillaattention: global_attention
windowattention swinattention wmsa shiftedwindowattention swmsa: local_attention
swinattentionv2 swinv2 shiftedwindowattentionv2 cpbattention: window_attention_v2
rope rotary rotaryembedding ropeattention ropeattn: rotary_attention rotary position
rotarypositionembedding ropeaxial axialrope roformer: rotary_attention rotary position
halo halonet haloattn blockedlocalattention: halo_attention
cosattention cosineattn scaledcosineattention: cosine_attention
linearattn litemla lineartransformer: linear_attention
spatialreductionattention sra: reduced_attention
talkingheadattn talkingheadsattn: talking_heads_attention
talking talkinghead headmixing mixheads mixedheads projl projw: talking_heads
involution: inhomogeneous_depthwise_conv
outlook outlooker outlookattn: outlook_attention outlook
dwconv depthwise depthwiseconv: depthwise_conv
mlp ffn channelmlp: feed_forward
mixer tokenmixing spatialmlp: token_mlp
conv1x1 pwconv: pointwise
patchembed patchembedding: patchify
se seblock semodule squeezeexcitation: squeeze_excite
eca ecamodule ecalayer channelattention: efficient_channel_attention
bandconv channelwiseconv: channel_conv
xca crosscovariance channelselfattention mdta: cross_covariance_attention
bn: batch_norm
ln norm: layer_norm
gn: group_norm
rms: rms_norm
swish: silu
hswish: hardswish
hsigmoid: hardsigmoid
geluapprox gelutanh: gelu_tanh
gap pool globalavgpool adaptiveavgpool globalaveragepool flatten: global_pool
pixelunshuffle patchmerging unshuffle: space_to_depth
interpolate upsampling: upsample
layerscale gamma: scale
posembed positionalencoding positionembedding poscembed pe pos positionbias posbias: position
clstoken cls classtoken: add_token class
droppath stochasticdepth droppathrate dropconnect: drop_path
skip skipconnection add res: residual sum
cat concatenate: concat
mul multiply gate: product
chunk: split
kernel kernelsize ksize k filtersize bandsize bandwidth: size
window windowsize ws: window size
shiftsize: shift
halosize overlap: halo
theta ropetheta ropetemperature ropebase base: temperature
cpbhidden cpbdim hiddendim hiddenchannels hiddenfeatures: hidden
kbias: key_bias
vbias: value_bias
projbias obias: out_bias output_bias
blocksize: size
halonet halo: window
strides: stride
dilationrate: dilation
pad: padding pad
outchannels outchannel outdim dim dims width embeddim planes filters chans outchans: channels
numheads nheads nhead: heads
numkvheads nkvheads keys numkeyheads kvhead: kv_heads
headdim dimhead headchannels: head_channels
mlpratio expansion expansionratio expand hiddenratio: ratio
reductionratio srratio rd: reduction reduce
activation actlayer nonlinearity: act
depths layers numlayers numblocks repeats nblocks n: depth
numclasses nclasses: classes
imgsize imagesize resolution inputsize: input size
blocks: block
transition downsampling down: downsample
definitions macros: define
parent base inherits: extends
tail fchead: head
defs: define
connectivity connection type: connect
sharing shared tie: share
dynamism source: dynamic
depthwise channelwise: separate
grouped: groups
dense: full
global: full
sliding neighborhood neighbourhood band banded: local
windowed: window
overlapping overlap: outlook
dot dotproduct pairwise qk query: pair
channelpairs crosscovariance: channels
relpos relposbias rpb rpe relativebias relativepositionbias: relative position
cpb logcpb cpbmlp continuousbias continuousrelative logspaced: continuous position
ape abs absolutebias: absolute position
cos cosinesimilarity cossim qknorm l2norm: cosine
globalpool gappooled global: pooled
centre pointwise: center
avg mean: average
depthwiseseparable: separable
lowrank: inner
"""


def _folded(word: str) -> str:
    plain = word.lower().replace("_", "").replace("-", "")
    return plain.removesuffix("2d").removesuffix("1d")


def _rows() -> Mapping[str, tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {}
    for line in _ELSEWHERE.strip().splitlines():
        others, _, own = line.partition(":")
        for other in others.split():
            rows[other] = (*rows.get(other, ()), *own.split())
    return rows


ELSEWHERE: Mapping[str, tuple[str, ...]] = _rows()


def called_here(word: str, legal: Iterable[str]) -> str | None:
    """The legal word that `word` stands for: written otherwise (`BatchNorm2d`), or under the name
    that it has elsewhere (`num_heads`); None where none is known."""
    known = set(legal)
    folded = _folded(word)
    same = sorted(name for name in known if _folded(name) == folded)
    return next((name for name in (*same, *ELSEWHERE.get(folded, ())) if name in known), None)


def suggested(word: str, legal: Iterable[str]) -> str:
    """A hint: the word that was meant, else the nearest, else a few legal ones."""
    known = sorted(set(legal))
    meant = called_here(word, known)
    return nearest(word, known) if meant is None else f"did you mean {meant}?"


def meant(word: str, legal: Iterable[str]) -> str | None:
    """The word that `suggested` names, if it names one."""
    hint = suggested(word, legal)
    return (
        hint.removeprefix("did you mean ").removesuffix("?") if hint.startswith("did you") else None
    )
