"""Numbers the general simulation starts from. Each says where it comes from, or that it is a judgement.

"DfE 2016/17" is the national table by pupil characteristic of *Permanent and fixed-period exclusions in England
2016/17* (state-funded secondary schools unless said otherwise); ratios are of its counts over its headcounts.
"Timpson" is the Timpson Review of School Exclusion (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

INDICATORS = ("permanent_exclusions", "suspensions")
EXITS = ("managed_moves", "off_site_direction", "elective_home_education")


@dataclass(frozen=True)
class Phase:
    """What schools of one phase are like.

    Parameters
    ----------
    label : str
        As DfE prints it.
    years : tuple of int
        National-curriculum years taught; 0 is Reception.
    headcount, headcount_log_sd : float
        Median and spread of log headcounts.
    exclusions, size : float
        Mean and size of the negative binomial number of permanent exclusions in a school and year.
    suspensions, suspensions_shape : float
        Suspensions for each pupil and year, and the gamma shape of schools' rates.
    by_year : mapping of str to tuple of float
        Relative rate of each indicator by national-curriculum year.
    """

    label: str
    years: tuple[int, ...]
    headcount: float
    headcount_log_sd: float
    exclusions: float
    size: float
    suspensions: float
    suspensions_shape: float
    by_year: Mapping[str, tuple[float, ...]]


SECONDARY = Phase(
    label="State-funded secondary",
    years=(7, 8, 9, 10, 11),
    # judgement, near DfE's school-level file to 2016/17 (median 930); as in simulate_pilot
    headcount=1000.0,
    headcount_log_sd=0.30,
    # Timpson: 43 % excluded nobody, 47 schools more than ten; see averting.data.simulate.pilot
    exclusions=1.73,
    size=0.65,
    # DfE 2016/17: 302,890 suspensions of 3,223,090 pupils, rounded; shape from DfE's school-level file
    suspensions=0.10,
    suspensions_shape=1.0,
    # DfE 2016/17, rates of years 7 to 11 over that of year 7
    by_year=MappingProxyType(
        {
            "permanent_exclusions": (1.0, 1.82, 2.57, 3.11, 1.36),
            "suspensions": (1.0, 1.49, 1.77, 1.88, 1.15),
        }
    ),
)
PRIMARY = Phase(
    label="State-funded primary",
    years=(0, 1, 2, 3, 4, 5, 6),
    # DfE 2016/17: 4,689,660 pupils in some 16,800 schools have a mean of 279; the spread is a judgement
    headcount=240.0,
    headcount_log_sd=0.55,
    # DfE 2016/17: 1,255 exclusions in some 16,800 schools; Timpson: 94 % excluded nobody, which gives the size
    exclusions=0.075,
    size=0.30,
    # DfE 2016/17: 64,340 suspensions of 4,689,660 pupils; the shape is a judgement: schools differ more
    suspensions=0.0137,
    suspensions_shape=0.5,
    # DfE 2016/17, state-funded primary, rates of Reception to year 6 over that of Reception
    by_year=MappingProxyType(
        {
            "permanent_exclusions": (1.0, 2.29, 2.83, 3.71, 5.64, 5.35, 5.10),
            "suspensions": (1.0, 2.12, 2.57, 3.09, 3.52, 4.13, 4.57),
        }
    ),
)

# Squared coefficient of variation of authorities' mean rates beyond sampling, in DfE's school-level file 2010/11 to
# 2016/17: 0.24 (permanent exclusions) and 0.22 (suspensions), so log standard deviations of about 0.46 and 0.44.
# Timpson: a quarter of authorities had 54 % of permanent exclusions.
AUTHORITY_LOG_SD = 0.45

# Shares of a year's events by term. Autumn: DfE, Suspensions and permanent exclusions in England, autumn term 2022/23:
# 3,104 of the year's 9,376 permanent exclusions and 247,366 of its 786,961 suspensions. How the rest divides between
# spring and summer is a judgement: evenly.
TERMS = ("Autumn", "Spring", "Summer")
TERM_SHARES = MappingProxyType({"permanent_exclusions": (0.33, 0.335, 0.335), "suspensions": (0.31, 0.345, 0.345)})
# judgement: usual first days of term (month, day; years after the start) and lengths in calendar days
TERM_STARTS = ((9, 4, 0), (1, 6, 1), (4, 20, 1))
TERM_DAYS = (107, 84, 92)

# Exits that leave no exclusion on record, for each pupil and year.
EXIT_RATES = MappingProxyType(
    {
        # Education Policy Institute (2019), quoted by FFT Education Datalab (December 2019): almost 9,000 managed
        # moves in 2016/17, beside 8,025,075 pupils
        "managed_moves": 0.0011,
        # DfE, alternative provision arranged by schools, 2022/23: 24,577 pupils at the January census, of 8.41 million;
        # not all of them are directed off site for their behaviour
        "off_site_direction": 0.0029,
        # judgement, from DfE's Elective home education 2022/23: some 45,000 more pupils at any time in the year than
        # on a day in autumn, of 8.4 million
        "elective_home_education": 0.0054,
    }
)

# Shares of pupils and raw ratios of rates. Characteristics are drawn independently, so raw ratios are what the
# simulated table by characteristic shows again.
FSM_SHARE = 0.129  # DfE 2016/17: 414,310 of 3,223,090
FSM_LOGIT_SD = 0.8  # judgement: schools differ widely in eligibility
SEN_LEVELS = ("none", "support", "ehc_plan")
SEN_SHARES = (0.876, 0.107, 0.017)  # DfE 2016/17: 345,140 and 53,865 of 3,223,090
MALE_SHARE = 0.502  # DfE 2016/17: 1,618,955 of 3,223,090
LOOKED_AFTER_SHARE = 0.006  # DfE, Children looked after in England, 31 March 2017: 62 in 10,000
ETHNIC_GROUPS = (
    "White British",
    "Black Caribbean",
    "White and Black Caribbean",
    "Gypsy, Roma and Irish Traveller",
    "Black African",
    "Asian",
    "other and unclassified",
)
# DfE 2016/17: headcounts over 3,223,090
ETHNIC_SHARES = (0.694, 0.0133, 0.0139, 0.0027, 0.0365, 0.1073, 0.1323)
RATIOS: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "permanent_exclusions": MappingProxyType(
            {
                "sex": (1.0, 3.09),  # female, male; DfE 2016/17 (Timpson: "over three times")
                "fsm": (1.0, 4.11),  # not eligible, eligible; DfE 2016/17 (Timpson: "around four times")
                "sen": (1.0, 4.87, 2.22),  # DfE 2016/17 (Timpson: plans "around half" of support)
                "looked_after": (1.0, 1.0),  # Timpson: "at around the same rate as all children"
                # DfE 2016/17 over White British (Timpson: Black Caribbean 3, mixed 2.5, Gypsy and Roma 5.2)
                "ethnicity": (1.0, 2.64, 2.52, 5.12, 1.00, 0.42, 1.01),
            }
        ),
        "suspensions": MappingProxyType(
            {
                "sex": (1.0, 2.34),  # DfE 2016/17
                "fsm": (1.0, 3.62),  # DfE 2016/17
                "sen": (1.0, 3.94, 3.86),  # DfE 2016/17
                "looked_after": (1.0, 5.0),  # Timpson: "more than five times"
                "ethnicity": (1.0, 1.71, 1.86, 4.59, 0.88, 0.41, 0.82),  # DfE 2016/17
            }
        ),
    }
)
# Timpson: 5 % of permanently excluded pupils in years 7 to 11 had never been suspended before
PRIOR_SUSPENSION = 0.95
# Gamma shape of further suspensions among the suspended: with 1.04 further ones on average, 61 % have none, as
# DfE 2016/17 has it (90,230 of 148,820 pupils suspended once, 302,890 suspensions)
REPEAT_SHAPE = 0.38
# How far further suspensions follow the same ratios: the power of the pupil's weight. DfE 2016/17: pupils eligible for
# free meals who were suspended at all had 1.54 times as many further ones, at a ratio of all suspensions of 3.62; with
# SEN support 1.56 times at 3.94. Log of one over log of the other is a third in both.
REPEAT_POWER = 1 / 3
# as in simulate_pilot: chance that a suspension after the first is of a pupil not suspended before
PUPILS_PER_FURTHER_SUSPENSION = 0.5
# judgement, as in simulate_pilot: yearly drift of log headcounts
HEADCOUNT_DRIFT_SD = 0.02
# judgement: authorities' centres lie within a square of this side, and schools about them, in kilometres
COUNTRY_KM, AUTHORITY_KM = 300.0, 8.0
